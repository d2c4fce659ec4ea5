/* In which order paths are pushed. Pure.
 *
 * Nodes are numbers from 0. Work on a node may begin early, but it may end only when all nodes that
 * it refers to are settled: it is free then. So there are two orders: order_next() hands out every
 * node once, references first, without waiting for anything; order_next_free() names every node
 * once it is free. When a node fails, those that refer to it are lost: neither will name them any
 * more. Nodes that refer to each other in a circle are never named. */
#ifndef CAPQ_PUSH_ORDER_H
#define CAPQ_PUSH_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct order;

struct order *order_create(size_t n_nodes);
void order_destroy(struct order *order);

/* `referrer` waits for `reference`; a node does not wait for itself. Say each pair at most once,
 * and all of them before the first node is asked for. */
void order_add(struct order *order, size_t referrer, size_t reference);

/* The next node to begin with, in `*out`. False: there is none left. */
bool order_next(struct order *order, size_t *out);

/* The next node that has become free, in `*out`. False: none now. */
bool order_next_free(struct order *order, size_t *out);

/* A free node is done: what waits for it waits for one less. */
void order_settle(struct order *order, size_t node);

/* A node failed: every node that refers to it, directly or through others, is lost. `on_lost` is
 * called for each, once, before this returns. */
void order_lose(
	struct order *order, size_t node, void (*on_lost)(void *owner, size_t lost), void *owner);

#endif
