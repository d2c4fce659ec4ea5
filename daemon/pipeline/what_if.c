#include "daemon/pipeline/what_if.h"

#include <stdlib.h>

#include "daemon/pipeline/costs.h"
#include "daemon/pipeline/forecasting.h"
#include "daemon/store/build.h"
#include "io/clock.h"

/* Ids of builds that are not there; real ones never come so far. */
#define FIRST_ID (INT64_C(1) << 62)

struct adding {
	struct pipeline *p;
	struct graph *graph;
	const char **caps; /* By derivation: of a target that needs it. */
	int64_t *ids;      /* Likewise: in the copy; 0: not there. */
	int64_t *needs;    /* Of the build that is being added. */
	size_t n_needs, needs_capacity;
	struct what_if *out;
};

static void note_need(void *owner, uint32_t need)
{
	struct adding *a = owner;

	array_reserve(&a->needs, &a->needs_capacity, a->n_needs + 1, sizeof *a->needs);
	a->needs[a->n_needs++] = a->ids[need];
}

struct spreading {
	struct adding *a;
	const char *caps;
};

static void take_caps(void *owner, uint32_t need)
{
	struct spreading *s = owner;

	if (s->a->caps[need] == NULL)
		s->a->caps[need] = s->caps;
}

/* From the targets down: a need is costed for the set of what needs it. */
static void spread_caps(struct adding *a)
{
	for (size_t i = a->graph->n_order; i-- > 0;) {
		uint32_t index = a->graph->order[i];
		struct spreading s = { a, a->caps[index] };

		if (a->caps[index] != NULL && a->graph->drvs[index].role == GRAPH_BUILD)
			graph_each_need(a->graph, index, take_caps, &s);
	}
}

static void add_cost(struct adding *a, const struct estimate *cost)
{
	a->out->build_ms += estimate_median(cost);
	a->out->core_ms += estimate_median(cost) * (cost->cores > 0 ? cost->cores : 1);
}

static void add(struct adding *a, uint32_t index)
{
	const struct graph_drv *drv = &a->graph->drvs[index];
	const char *caps = a->caps[index] == NULL ? "" : a->caps[index];
	struct sched_build build = { .id = FIRST_ID + index,
		.lane = drv->is_fixed ? SCHED_FETCH : SCHED_BUILD };
	struct build_key key;
	struct estimate cost;

	if (drv->role != GRAPH_BUILD)
		return;
	costs_of(a->p, &(struct costed){ drv->package, drv->name, caps, drv->system }, &cost);
	if (!drv->is_fixed)
		add_cost(a, &cost);
	if (a->out->copy == NULL)
		return;
	if (store_build_find(a->p->store, drv->path, &key) &&
		sched_state(a->out->copy, key.id) != SCHED_UNKNOWN) {
		a->ids[index] = key.id;
		return;
	}
	a->n_needs = 0;
	graph_each_need(a->graph, index, note_need, a);
	build.cost_ms = estimate_median(&cost);
	build.cost_sigma = cost.sigma;
	(void)sched_system(a->out->copy, drv->system, &build.system, NULL);
	(void)sched_features(a->out->copy, drv->features, &build.features, NULL);
	sched_add(a->out->copy, &build, a->needs, a->n_needs);
	a->ids[index] = build.id;
}

static void want(struct adding *a, size_t target, double weight, const char *submitter)
{
	int64_t id = a->ids[a->graph->targets[target]], now_ms = clock_mono_ms();
	struct sched_want want = {
		.jobs = 1,
		.weight = weight,
		.since_ms = now_ms,
		.start_by_ms = SCHED_PROMISE_NOW,
	};

	a->out->target_ids[target] = id;
	if (id < FIRST_ID) /* It is there, and wanted as it is. */
		return;
	want.submitter = sched_submitter(a->out->copy, submitter);
	sched_set_want(a->out->copy, id, &want, now_ms);
}

void what_if(struct pipeline *p, struct graph *graph, const struct what_if_target *targets,
	const char *submitter, struct what_if *out)
{
	struct adding a = { .p = p, .graph = graph, .out = out };

	*out = (struct what_if){ 0 };
	out->target_ids = xcalloc(graph->n_targets, sizeof *out->target_ids);
	if (sched_n(p->sched) + graph->n_order <= FORECAST_BUILDS_MAX)
		out->copy = sched_copy(p->sched);
	a.caps = xcalloc(graph->n, sizeof *a.caps);
	a.ids = xcalloc(graph->n, sizeof *a.ids);
	for (size_t i = 0; i < graph->n_targets; i++)
		a.caps[graph->targets[i]] = targets[i].caps;
	spread_caps(&a);
	for (size_t i = 0; i < graph->n_order; i++)
		add(&a, graph->order[i]);
	for (size_t i = 0; out->copy != NULL && i < graph->n_targets; i++)
		want(&a, i, targets[i].weight, submitter);
	free((void *)a.caps);
	free(a.ids);
	free(a.needs);
}
