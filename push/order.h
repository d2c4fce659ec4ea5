/* In which order paths may be pushed: references first. Pure.
 *
 * Nodes are numbers from 0. Every node is handed out once by order_next(), when all nodes that it
 * refers to are settled; or it is lost, because one of them failed. Nodes that refer to each other
 * in a circle are never handed out. */
#ifndef CAPQ_PUSH_ORDER_H
#define CAPQ_PUSH_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct order;

struct order *order_create(size_t n_nodes);
void order_destroy(struct order *order);

/* `referrer` waits for `reference`; a node does not wait for itself. Say each pair at most once,
 * and all of them before the first order_next(). */
void order_add(struct order *order, size_t referrer, size_t reference);

/* The next node that waits for nothing, in `*out`. False: none now. */
bool order_next(struct order *order, size_t *out);

/* A node that was handed out is done: what waits for it waits for one less. */
void order_settle(struct order *order, size_t node);

/* A node that was handed out failed: every node that refers to it, directly or through others, is
 * lost. `on_lost` is called for each, once, before this returns. */
void order_lose(
	struct order *order, size_t node, void (*on_lost)(void *owner, size_t lost), void *owner);

#endif
