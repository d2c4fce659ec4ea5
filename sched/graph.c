/* Who needs whom, and how a wish travels down from a job's build to all that it needs.
 *
 * Each node's `want` is the best of its own jobs' and of its dependents'. A change travels along
 * the edges by a list of changes, not by recursion: chains may be thousands of builds long. So that
 * a build with thousands of dependents is not searched whenever one of them leaves, each node
 * counts the `providers` of its want, and searches only when the last of them is gone. */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"
#include "sched/order.h"

static void edges_add(struct edges *edges, uint32_t item)
{
	if (edges->n == edges->capacity) {
		size_t capacity = edges->capacity == 0 ? 2 : 2 * (size_t)edges->capacity;

		edges->items = xrealloc(edges->items, capacity * sizeof *edges->items);
		edges->capacity = (uint32_t)capacity;
	}
	edges->items[edges->n++] = item;
}

static bool edges_has(const struct edges *edges, uint32_t item)
{
	for (uint32_t i = 0; i < edges->n; i++)
		if (edges->items[i] == item)
			return true;
	return false;
}

/* From the end: builds are added needs first and leave dependents first. */
static void edges_remove(struct edges *edges, uint32_t item)
{
	for (uint32_t i = edges->n; i-- > 0;) {
		if (edges->items[i] == item) {
			edges->items[i] = edges->items[--edges->n];
			return;
		}
	}
}

/* ---- wants ---- */

static bool is_same(const struct want *a, const struct want *b)
{
	return order_compare_wants(a, b) == 0;
}

static void search_want(const struct sched *s, struct node *node, struct want *out)
{
	*out = node->own;
	node->providers = node->own.jobs > 0 ? 1 : 0;
	for (uint32_t i = 0; i < node->dependents.n; i++) {
		const struct want *other = &s->nodes[node->dependents.items[i]].want;
		int c = order_compare_wants(other, out);

		if (other->jobs == 0)
			continue;
		if (c < 0) {
			*out = *other;
			node->providers = 1;
		} else if (c == 0) {
			node->providers++;
		}
	}
}

static void note_change(struct sched *s, uint32_t index, const struct want *after)
{
	struct node *node = &s->nodes[index];

	if (is_same(&node->want, after))
		return;
	array_reserve(&s->changes, &s->changes_capacity, s->n_changes + 1, sizeof *s->changes);
	s->changes[s->n_changes++] =
		(struct want_change){ .node = index, .before = node->want, .after = *after };
	node->want = *after;
	sched_settle(s, node);
}

/* One provider of `node` changed from `before` to `after`. */
static void hear(
	struct sched *s, uint32_t index, const struct want *before, const struct want *after)
{
	struct node *node = &s->nodes[index];
	struct want want = node->want;
	int c = order_compare_wants(after, &want);

	if (before->jobs > 0 && is_same(before, &want))
		node->providers--;
	if (after->jobs > 0 && c < 0) {
		want = *after;
		node->providers = 1;
	} else if (after->jobs > 0 && c == 0) {
		node->providers++;
	}
	if (node->providers == 0)
		search_want(s, node, &want);
	note_change(s, index, &want);
}

static void spread_changes(struct sched *s)
{
	while (s->n_changes > 0) {
		struct want_change change = s->changes[--s->n_changes];
		const struct edges *needs = &s->nodes[change.node].needs;

		for (uint32_t i = 0; i < needs->n; i++)
			hear(s, needs->items[i], &change.before, &change.after);
	}
}

void sched_want_changed(struct sched *s, uint32_t index, const struct want *after)
{
	struct node *node = &s->nodes[index];
	struct want before = node->own;

	node->own = *after;
	if (is_same(&before, after))
		return;
	hear(s, index, &before, after);
	spread_changes(s);
}

/* ---- edges ---- */

static const struct want nobody;

void sched_add_edge(struct sched *s, uint32_t dependent, uint32_t need)
{
	if (edges_has(&s->nodes[dependent].needs, need))
		return;
	edges_add(&s->nodes[dependent].needs, need);
	edges_add(&s->nodes[need].dependents, dependent);
	hear(s, need, &nobody, &s->nodes[dependent].want);
	spread_changes(s);
}

void sched_drop_edges(struct sched *s, uint32_t index)
{
	struct node *node = &s->nodes[index];

	for (uint32_t i = 0; i < node->dependents.n; i++)
		edges_remove(&s->nodes[node->dependents.items[i]].needs, index);
	node->dependents.n = 0;
	while (node->needs.n > 0) {
		uint32_t need = node->needs.items[--node->needs.n];

		edges_remove(&s->nodes[need].dependents, index);
		hear(s, need, &node->want, &nobody);
	}
	spread_changes(s);
	free(node->needs.items);
	free(node->dependents.items);
	memset(&node->needs, 0, sizeof node->needs);
	memset(&node->dependents, 0, sizeof node->dependents);
}

/* ---- walks ---- */

/* The nodes that `from` leads to, itself first, by needs or by dependents. The caller frees. */
static uint32_t *reach(struct sched *s, uint32_t from, bool by_needs, size_t *out_n)
{
	uint32_t *found = NULL, walk = ++s->walk;
	size_t n = 0, capacity = 0;

	array_reserve(&found, &capacity, 1, sizeof *found);
	found[n++] = from;
	s->nodes[from].mark = walk;
	for (size_t i = 0; i < n; i++) {
		const struct node *node = &s->nodes[found[i]];
		const struct edges *edges = by_needs ? &node->needs : &node->dependents;

		array_reserve(&found, &capacity, n + edges->n, sizeof *found);
		for (uint32_t k = 0; k < edges->n; k++) {
			if (s->nodes[edges->items[k]].mark == walk)
				continue;
			s->nodes[edges->items[k]].mark = walk;
			found[n++] = edges->items[k];
		}
	}
	*out_n = n;
	return found;
}

static bool leads_to(struct sched *s, uint32_t from, uint32_t to)
{
	size_t n;

	free(reach(s, from, true, &n));
	return s->nodes[to].mark == s->walk;
}

static void each_reached(
	struct sched *s, int64_t build, bool by_needs, void (*each)(void *, int64_t), void *owner)
{
	const struct node *node = sched_node(s, build);
	cleanup_free uint32_t *found = NULL;
	size_t n = 0;

	if (node != NULL)
		found = reach(s, sched_index(s, node), by_needs, &n);
	for (size_t i = 1; i < n; i++)
		each(owner, s->nodes[found[i]].id);
}

void sched_each_above(struct sched *s, int64_t build, void (*each)(void *, int64_t), void *owner)
{
	each_reached(s, build, false, each, owner);
}

void sched_each_below(struct sched *s, int64_t build, void (*each)(void *, int64_t), void *owner)
{
	each_reached(s, build, true, each, owner);
}

void sched_remove(struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);
	cleanup_free uint32_t *found = NULL;
	size_t n = 0;

	if (node != NULL)
		found = reach(s, sched_index(s, node), false, &n);
	while (n > 0) /* The farthest first. */
		sched_forget(s, &s->nodes[found[--n]]);
}

/* ---- more needs ---- */

bool sched_add_need(struct sched *s, int64_t build, int64_t need)
{
	struct node *dependent = sched_node(s, build), *needed = sched_node(s, need);

	if (needed == NULL)
		return true;
	if (leads_to(s, sched_index(s, needed), sched_index(s, dependent)))
		return false;
	sched_add_edge(s, sched_index(s, dependent), sched_index(s, needed));
	dependent->state = SCHED_BLOCKED;
	sched_settle(s, dependent);
	return true;
}

void sched_restore_need(struct sched *s, int64_t build, int64_t need)
{
	struct node *dependent = sched_node(s, build), *needed = sched_node(s, need);

	if (dependent == NULL || needed == NULL)
		return;
	sched_add_edge(s, sched_index(s, dependent), sched_index(s, needed));
	dependent->state = SCHED_BLOCKED;
}

void sched_each_dependent(
	const struct sched *s, int64_t build, void (*each)(void *, int64_t), void *owner)
{
	const struct node *node = sched_node(s, build);

	for (uint32_t i = 0; node != NULL && i < node->dependents.n; i++)
		each(owner, s->nodes[node->dependents.items[i]].id);
}

void sched_each_need(
	const struct sched *s, int64_t build, void (*each)(void *, int64_t), void *owner)
{
	const struct node *node = sched_node(s, build);

	for (uint32_t i = 0; node != NULL && i < node->needs.n; i++)
		each(owner, s->nodes[node->needs.items[i]].id);
}
