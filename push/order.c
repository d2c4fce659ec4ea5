#include "push/order.h"

#include <stdlib.h>

#include "lib/mem.h"

struct node {
	size_t *referrers; /* Those that wait for this one. */
	size_t n_referrers, capacity;
	size_t n_waits; /* References that are not settled yet. */
	bool is_lost;
};

/* `ready` holds nodes in the order in which they became ready: [first, last) are to be handed out.
 * A node gets there at most once, so n_nodes places are enough. */
struct order {
	struct node *nodes;
	size_t n_nodes;
	size_t *ready;
	size_t first, last;
	bool started; /* The nodes that never waited are in `ready`. */
};

struct order *order_create(size_t n_nodes)
{
	struct order *order = xcalloc(1, sizeof *order);

	order->nodes = xcalloc(n_nodes, sizeof *order->nodes);
	order->ready = xcalloc(n_nodes, sizeof *order->ready);
	order->n_nodes = n_nodes;
	return order;
}

void order_destroy(struct order *order)
{
	if (order == NULL)
		return;
	for (size_t i = 0; i < order->n_nodes; i++)
		free(order->nodes[i].referrers);
	free(order->nodes);
	free(order->ready);
	free(order);
}

void order_add(struct order *order, size_t referrer, size_t reference)
{
	struct node *node = &order->nodes[reference];

	if (referrer == reference)
		return;
	array_reserve(
		&node->referrers, &node->capacity, node->n_referrers + 1, sizeof *node->referrers);
	node->referrers[node->n_referrers++] = referrer;
	order->nodes[referrer].n_waits++;
}

static void start(struct order *order)
{
	order->started = true;
	for (size_t i = 0; i < order->n_nodes; i++)
		if (order->nodes[i].n_waits == 0)
			order->ready[order->last++] = i;
}

bool order_next(struct order *order, size_t *out)
{
	if (!order->started)
		start(order);
	if (order->first == order->last)
		return false;
	*out = order->ready[order->first++];
	return true;
}

void order_settle(struct order *order, size_t node)
{
	const struct node *settled = &order->nodes[node];

	for (size_t i = 0; i < settled->n_referrers; i++) {
		size_t referrer = settled->referrers[i];

		if (--order->nodes[referrer].n_waits == 0)
			order->ready[order->last++] = referrer;
	}
}

void order_lose(
	struct order *order, size_t node, void (*on_lost)(void *owner, size_t lost), void *owner)
{
	cleanup_free size_t *queue = xcalloc(order->n_nodes + 1, sizeof *queue);
	size_t first = 0, last = 0;

	queue[last++] = node;
	while (first < last) {
		const struct node *lost = &order->nodes[queue[first++]];

		for (size_t i = 0; i < lost->n_referrers; i++) {
			size_t referrer = lost->referrers[i];

			if (order->nodes[referrer].is_lost)
				continue;
			order->nodes[referrer].is_lost = true;
			queue[last++] = referrer;
			on_lost(owner, referrer);
		}
	}
}
