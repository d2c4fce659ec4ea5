#include "push/order.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

struct node {
	size_t *referrers; /* Those that wait for this one. */
	size_t n_referrers, capacity;
	bool is_lost;
};

/* Nodes in a row; each gets there at most once, so that there is room for all. */
struct queue {
	size_t *nodes;
	size_t first, last; /* [first, last) are to be handed out. */
};

struct order {
	struct node *nodes;
	size_t *waits; /* References of each node that are not settled yet. */
	size_t n_nodes;
	struct queue next, free;
	bool started; /* The queues hold what they can from the start. */
};

static bool take(struct order *order, struct queue *queue, size_t *out)
{
	while (queue->first < queue->last) {
		*out = queue->nodes[queue->first++];
		if (!order->nodes[*out].is_lost)
			return true;
	}
	return false;
}

struct order *order_create(size_t n_nodes)
{
	struct order *order = xcalloc(1, sizeof *order);

	order->nodes = xcalloc(n_nodes, sizeof *order->nodes);
	order->waits = xcalloc(n_nodes, sizeof *order->waits);
	order->next.nodes = xcalloc(n_nodes, sizeof *order->next.nodes);
	order->free.nodes = xcalloc(n_nodes, sizeof *order->free.nodes);
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
	free(order->waits);
	free(order->next.nodes);
	free(order->free.nodes);
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
	order->waits[referrer]++;
}

/* One reference less to wait for; nodes that wait for none any more stand in `queue`. */
static void release_referrers(
	const struct order *order, size_t node, size_t *waits, struct queue *queue)
{
	const struct node *settled = &order->nodes[node];

	for (size_t i = 0; i < settled->n_referrers; i++)
		if (--waits[settled->referrers[i]] == 0)
			queue->nodes[queue->last++] = settled->referrers[i];
}

/* Kahn's algorithm: as if every node were settled as soon as it is handed out. */
static void start(struct order *order)
{
	cleanup_free size_t *waits = xcalloc(order->n_nodes, sizeof *waits);

	order->started = true;
	for (size_t i = 0; i < order->n_nodes; i++) {
		waits[i] = order->waits[i];
		if (waits[i] == 0)
			order->next.nodes[order->next.last++] = i;
	}
	memcpy(order->free.nodes, order->next.nodes, order->next.last * sizeof *waits);
	order->free.last = order->next.last;
	for (size_t i = 0; i < order->next.last; i++)
		release_referrers(order, order->next.nodes[i], waits, &order->next);
}

bool order_next(struct order *order, size_t *out)
{
	if (!order->started)
		start(order);
	return take(order, &order->next, out);
}

bool order_next_free(struct order *order, size_t *out)
{
	if (!order->started)
		start(order);
	return take(order, &order->free, out);
}

void order_settle(struct order *order, size_t node)
{
	release_referrers(order, node, order->waits, &order->free);
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
