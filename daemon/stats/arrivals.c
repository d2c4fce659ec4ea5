#include "daemon/stats/arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define NOBODY UINT32_MAX
#define NEVER INT64_MAX

struct node {
	int64_t id, created_at, wall_ms;
	int64_t since;  /* When the first job that wants it was submitted; NEVER: none does. */
	int64_t owner;  /* The heaviest; 0: none. */
	int32_t weight; /* Of the owner. */
	uint32_t first_need, n_needs;
	uint32_t n_dependents; /* Whose wishes are not known yet. */
	uint32_t depth;        /* Of what is needed more than of what needs it. */
};

struct arrivals {
	struct node *nodes; /* By ascending id. */
	size_t n, capacity;
	uint32_t *needs; /* Of all nodes, one behind the other. */
	size_t n_needs, needs_capacity;

	struct arrival *rows; /* Once they are in order. */
	size_t n_rows;
	int64_t *ids; /* Of the rows' builds, ascending. */
};

struct arrivals *arrivals_create(void)
{
	return xcalloc(1, sizeof(struct arrivals));
}

void arrivals_destroy(struct arrivals *a)
{
	if (a == NULL)
		return;
	free(a->nodes);
	free(a->needs);
	free(a->rows);
	free(a->ids);
	free(a);
}

/* ---- what there is ---- */

static uint32_t find(const struct arrivals *a, int64_t id)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->nodes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a->n && a->nodes[low].id == id ? (uint32_t)low : NOBODY;
}

void arrivals_add_build(struct arrivals *a, int64_t id, int64_t created_at, int64_t wall_ms)
{
	array_reserve(&a->nodes, &a->capacity, a->n + 1, sizeof *a->nodes);
	a->nodes[a->n++] = (struct node){
		.id = id, .created_at = created_at, .wall_ms = wall_ms, .since = NEVER
	};
}

void arrivals_add_need(struct arrivals *a, int64_t build_id, int64_t need_id)
{
	uint32_t from = find(a, build_id), to = find(a, need_id);

	if (from == NOBODY || to == NOBODY)
		return;
	array_reserve(&a->needs, &a->needs_capacity, a->n_needs + 1, sizeof *a->needs);
	if (a->nodes[from].n_needs++ == 0)
		a->nodes[from].first_need = (uint32_t)a->n_needs;
	a->needs[a->n_needs++] = to;
	a->nodes[to].n_dependents++;
}

/* A job wants the node, for itself or for what it needs. */
static void want(struct node *node, int64_t since, int64_t owner, int32_t weight)
{
	if (since < node->since)
		node->since = since;
	if (owner == 0)
		return;
	if (node->owner == 0 || weight > node->weight ||
		(weight == node->weight && owner < node->owner)) {
		node->owner = owner;
		node->weight = weight;
	}
}

void arrivals_add_job(
	struct arrivals *a, int64_t job_id, int64_t build_id, int64_t submitted_at, int priority)
{
	uint32_t i = find(a, build_id);

	if (i != NOBODY)
		want(&a->nodes[i], submitted_at, job_id, priority);
}

/* ---- order ---- */

/* Who wants a node wants what it needs: each is looked at once, behind all that need it. */
static void spread_wants(struct arrivals *a)
{
	uint32_t *ready = xcalloc(a->n + 1, sizeof *ready);
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		if (a->nodes[i].n_dependents == 0)
			ready[n++] = (uint32_t)i;
	for (size_t at = 0; at < n; at++) {
		struct node *node = &a->nodes[ready[at]];

		if (node->since == NEVER)
			node->since = node->created_at;
		for (uint32_t k = 0; k < node->n_needs; k++) {
			struct node *need = &a->nodes[a->needs[node->first_need + k]];

			want(need, node->since, node->owner, node->weight);
			if (need->depth <= node->depth)
				need->depth = node->depth + 1;
			if (--need->n_dependents == 0)
				ready[n++] = a->needs[node->first_need + k];
		}
	}
	free(ready);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void arrivals_order(struct arrivals *a, int64_t since_ms)
{
	spread_wants(a);
	array_sort(a->nodes, a->n, sizeof *a->nodes, compare_nodes);
	a->rows = xcalloc(a->n + 1, sizeof *a->rows);
	a->ids = xcalloc(a->n + 1, sizeof *a->ids);
	for (size_t i = 0; i < a->n; i++) {
		const struct node *node = &a->nodes[i];

		if (node->wall_ms < 0 || node->since < since_ms)
			continue;
		a->ids[a->n_rows] = node->id;
		a->rows[a->n_rows++] = (struct arrival){
			.build_id = node->id,
			.job_id = node->owner,
			.at_ms = node->since,
			.wall_ms = node->wall_ms,
		};
	}
	array_sort(a->ids, a->n_rows, sizeof *a->ids, compare_ids);
	free(a->nodes);
	free(a->needs);
	a->nodes = NULL;
	a->needs = NULL;
	a->n = a->n_needs = 0;
}

size_t arrivals_n(const struct arrivals *a)
{
	return a->n_rows;
}

const struct arrival *arrivals_at(const struct arrivals *a, size_t i)
{
	return &a->rows[i];
}

bool arrivals_has(const struct arrivals *a, int64_t build_id)
{
	return a->n_rows > 0 &&
	       bsearch(&build_id, a->ids, a->n_rows, sizeof *a->ids, compare_ids) != NULL;
}
