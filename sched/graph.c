/* Who needs whom. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"

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

void graph_add_edge(struct sched *s, uint32_t dependent, uint32_t need)
{
	if (edges_has(&s->nodes[dependent].needs, need))
		return;
	edges_add(&s->nodes[dependent].needs, need);
	edges_add(&s->nodes[need].dependents, dependent);
	view_gained(s, need, dependent);
}

void graph_drop_edges(struct sched *s, uint32_t index)
{
	struct node *node = &s->nodes[index];

	for (uint32_t i = 0; i < node->dependents.n; i++)
		edges_remove(&s->nodes[node->dependents.items[i]].needs, index);
	node->dependents.n = 0;
	while (node->needs.n > 0) {
		uint32_t need = node->needs.items[--node->needs.n];

		edges_remove(&s->nodes[need].dependents, index);
		view_changed(s, need);
	}
	free(node->needs.items);
	free(node->dependents.items);
	memset(&node->needs, 0, sizeof node->needs);
	memset(&node->dependents, 0, sizeof node->dependents);
}

/* ---- walks ---- */

uint32_t *graph_reach(struct sched *s, uint32_t from, bool by_needs, size_t *out_n)
{
	uint32_t *found = NULL, walk = ++s->walk;
	size_t n = 0, capacity = 0;

	array_reserve(&found, &capacity, 1, sizeof *found);
	found[n++] = from;
	s->nodes[from].mark = walk;
	s->nodes[from].visit = 0;
	for (size_t i = 0; i < n; i++) {
		const struct node *node = &s->nodes[found[i]];
		const struct edges *edges = by_needs ? &node->needs : &node->dependents;

		array_reserve(&found, &capacity, n + edges->n, sizeof *found);
		for (uint32_t k = 0; k < edges->n; k++) {
			if (s->nodes[edges->items[k]].mark == walk)
				continue;
			s->nodes[edges->items[k]].mark = walk;
			s->nodes[edges->items[k]].visit = (uint32_t)n;
			found[n++] = edges->items[k];
		}
	}
	*out_n = n;
	return found;
}

/* How a node is reached from the one at the top. */
struct reached {
	uint32_t n_above; /* By so many that were not looked at yet. */
	double chain_ms;  /* The longest way down to it, its own cost counted. */
};

static struct reached *count_ways(const struct sched *s, const uint32_t *found, size_t n)
{
	struct reached *reached = xcalloc(n, sizeof *reached);

	for (size_t i = 0; i < n; i++) {
		const struct edges *needs = &s->nodes[found[i]].needs;

		for (uint32_t k = 0; k < needs->n; k++)
			reached[s->nodes[needs->items[k]].visit].n_above++;
	}
	return reached;
}

/* Each is looked at when all have been that it is reached by. */
double graph_chain_ms(struct sched *s, uint32_t from)
{
	size_t n, n_next = 1;
	cleanup_free uint32_t *found = graph_reach(s, from, true, &n);
	cleanup_free struct reached *reached = count_ways(s, found, n);
	cleanup_free uint32_t *next = xmemdup(found, n * sizeof *next);
	double longest_ms = 0;

	reached[0].chain_ms = s->nodes[from].cost_ms;
	for (size_t i = 0; i < n; i++) {
		const struct node *node = &s->nodes[next[i]];
		double chain_ms = reached[node->visit].chain_ms;

		longest_ms = fmax(longest_ms, chain_ms);
		for (uint32_t k = 0; k < node->needs.n; k++) {
			const struct node *need = &s->nodes[node->needs.items[k]];
			struct reached *way = &reached[need->visit];

			way->chain_ms = fmax(way->chain_ms, chain_ms + need->cost_ms);
			if (--way->n_above == 0)
				next[n_next++] = node->needs.items[k];
		}
	}
	return longest_ms;
}

static bool leads_to(struct sched *s, uint32_t from, uint32_t to)
{
	size_t n;

	free(graph_reach(s, from, true, &n));
	return s->nodes[to].mark == s->walk;
}

static void each_reached(
	struct sched *s, int64_t build, bool by_needs, void (*each)(void *, int64_t), void *owner)
{
	const struct node *node = sched_node(s, build);
	cleanup_free uint32_t *found = NULL;
	size_t n = 0;

	if (node != NULL)
		found = graph_reach(s, sched_index(s, node), by_needs, &n);
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

/* What they unlock is told while all edges are still there; then the farthest goes first. */
void sched_remove(struct sched *s, int64_t build, int64_t now_ms)
{
	const struct node *node = sched_node(s, build);
	cleanup_free uint32_t *found = NULL;
	size_t n = 0;

	sched_pass_time(s, now_ms);
	if (node != NULL)
		found = graph_reach(s, sched_index(s, node), false, &n);
	for (size_t i = 0; i < n; i++)
		unlock_remove(s, found[i]);
	while (n > 0)
		sched_forget(s, &s->nodes[found[--n]]);
}

/* ---- more needs ---- */

/* A new edge below builds that are wanted already: all that they unlock is found anew. */
static void add_need(struct sched *s, struct node *dependent, const struct node *need)
{
	uint32_t index = sched_index(s, dependent);
	cleanup_free uint32_t *above = NULL;
	size_t n = 0;

	if (s->n_wanted > 0)
		above = graph_reach(s, index, false, &n);
	for (size_t i = 0; i < n; i++)
		unlock_remove(s, above[i]);
	graph_add_edge(s, index, sched_index(s, need));
	for (size_t i = 0; i < n; i++)
		unlock_add(s, above[i]);
	dependent->state = SCHED_BLOCKED;
	queue_settle(s, dependent);
}

bool sched_add_need(struct sched *s, int64_t build, int64_t need)
{
	struct node *dependent = sched_node(s, build), *needed = sched_node(s, need);

	if (needed == NULL)
		return true;
	if (leads_to(s, sched_index(s, needed), sched_index(s, dependent)))
		return false;
	add_need(s, dependent, needed);
	return true;
}

void sched_restore_need(struct sched *s, int64_t build, int64_t need)
{
	struct node *dependent = sched_node(s, build), *needed = sched_node(s, need);

	if (dependent != NULL && needed != NULL)
		add_need(s, dependent, needed);
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
