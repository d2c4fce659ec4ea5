#include <string.h>

#include "sched/node.h"
#include "sched/order.h"

static void why_not_started(
	const struct sched *s, const struct node *node, size_t max, struct sched_why *out)
{
	const struct kind *kind = s->kinds[node->kind];
	uint32_t nearest = HEAP_NOWHERE;

	out->rule = SCHED_WHY_BUSY;
	for (size_t i = 0; i < s->n_builders; i++)
		if (builder_fits(&s->builders[i], kind))
			out->slots += s->builders[i].spec.slots[kind->lane];
	for (size_t i = 0; i < s->n_kinds; i++)
		if (s->kinds[i]->lane == kind->lane)
			out->n += heap_count_before(
				&s->kinds[i]->ready, sched_index(s, node), max - out->n, &nearest);
	out->other = nearest == HEAP_NOWHERE ? 0 : s->nodes[nearest].id;
}

void sched_why_roughly(
	const struct sched *s, int64_t build, int64_t now_ms, size_t max, struct sched_why *out)
{
	const struct node *node = sched_node(s, build);

	memset(out, 0, sizeof *out);
	switch ((enum sched_state)node->state) {
	case SCHED_BLOCKED:
		out->rule = SCHED_WHY_NEEDS;
		out->n = node->needs.n;
		out->other = s->nodes[node->needs.items[0]].id;
		return;
	case SCHED_UNKNOWN:
	case SCHED_OPEN:
		out->rule = SCHED_WHY_INPUTS;
		return;
	case SCHED_RUNNING:
		out->rule = SCHED_WHY_RUNS;
		out->builder = s->runs[node->run].builder;
		return;
	case SCHED_READY:
		break;
	}
	if (node->want.jobs == 0 || node->want.is_held) {
		out->rule = SCHED_WHY_HELD;
	} else if (node->not_before_ms > now_ms) {
		out->rule = SCHED_WHY_LATER;
		out->until_ms = node->not_before_ms;
	} else if (!sched_has_builder(
			   s, s->kinds[node->kind]->system, s->kinds[node->kind]->features)) {
		out->rule = SCHED_WHY_NO_BUILDER;
	} else {
		why_not_started(s, node, max, out);
	}
}

void sched_why(const struct sched *s, int64_t build, int64_t now_ms, struct sched_why *out)
{
	sched_why_roughly(s, build, now_ms, SIZE_MAX, out);
}
