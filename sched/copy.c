#include "lib/mem.h"
#include "sched/node.h"

static void copy_edges(struct edges *edges)
{
	if (edges->n == 0) {
		*edges = (struct edges){ 0 };
		return;
	}
	edges->items = xmemdup(edges->items, edges->n * sizeof *edges->items);
	edges->capacity = edges->n;
}

static struct kind *copy_kind(struct sched *to, const struct kind *from)
{
	struct kind *kind = xmemdup(from, sizeof *from);

	kind->groups = xmemdup(from->groups, from->n_groups * sizeof(struct group *));
	kind->groups_capacity = from->n_groups;
	for (size_t i = 0; i < from->n_groups; i++) {
		kind->groups[i] = xmemdup(from->groups[i], sizeof(struct group));
		heap_copy(&kind->groups[i]->ready, &from->groups[i]->ready, to);
	}
	for (int i = 0; i < 2; i++)
		heap_copy(&kind->promises[i], &from->promises[i], to);
	return kind;
}

static void copy_names(char **names, size_t max)
{
	for (size_t i = 0; i < max; i++)
		names[i] = names[i] == NULL ? NULL : xstrdup(names[i]);
}

struct sched *sched_copy(const struct sched *from)
{
	struct sched *to = xmemdup(from, sizeof *from);

	to->nodes = xmemdup(from->nodes, from->n_nodes * sizeof *to->nodes);
	to->capacity = from->n_nodes;
	for (size_t i = 0; i < to->n_nodes; i++) {
		copy_edges(&to->nodes[i].needs);
		copy_edges(&to->nodes[i].dependents);
	}
	to->free_nodes = xmemdup(from->free_nodes, from->n_free * sizeof *to->free_nodes);
	to->free_capacity = from->n_free;
	id_map_copy(&to->index, &from->index);
	to->kinds = xmemdup(from->kinds, from->n_kinds * sizeof(struct kind *));
	to->kinds_capacity = from->n_kinds;
	for (size_t i = 0; i < from->n_kinds; i++)
		to->kinds[i] = copy_kind(to, from->kinds[i]);
	heap_copy(&to->later, &from->later, to);
	heap_copy(&to->ticks, &from->ticks, to);
	to->runs = xmemdup(from->runs, from->n_runs * sizeof *to->runs);
	to->runs_capacity = from->n_runs;
	to->builders = xmemdup(from->builders, from->n_builders * sizeof *to->builders);
	to->builders_capacity = from->n_builders;
	for (size_t i = 0; i < to->n_builders; i++)
		to->builders[i].spec.name = xstrdup(from->builders[i].spec.name);
	copy_names(to->systems, SYSTEMS_MAX);
	copy_names(to->features, FEATURES_MAX);
	copy_names(to->submitters, SCHED_SUBMITTERS_MAX);
	to->changed = NULL;
	to->n_changed = to->changed_capacity = 0;
	return to;
}
