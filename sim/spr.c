#include "sim/spr.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

struct spr {
	struct policy policy;
	struct sched *sched;
};

static struct spr *spr_of(const struct policy *policy)
{
	return CONTAINER_OF(policy, struct spr, policy);
}

/* Ids of builds are positive. */
static int64_t id_of(uint32_t index)
{
	return (int64_t)index + 1;
}

/* ---- builders ---- */

/* Every builder can build what is for no system in particular, whose name is "". */
static int add_system(struct sched *sched, const char *name, uint32_t *systems, struct err *err)
{
	uint32_t system;
	int rv = sched_system(sched, name, &system, err);

	if (rv == 0)
		*systems |= UINT32_C(1) << system;
	return rv;
}

static int add_systems(
	struct sched *sched, const struct farm_builder *from, uint32_t *systems, struct err *err)
{
	cleanup_free char *names = xstrdup(from->systems);
	char *rest = names, *name;
	int rv = 0;

	if (names[0] == '\0') {
		*systems = UINT32_MAX;
		return 0;
	}
	*systems = 0;
	while (rv == 0 && (name = strsep(&rest, " ")) != NULL)
		rv = add_system(sched, name, systems, err);
	return rv < 0 ? rv : add_system(sched, "", systems, err);
}

static int set_builders(struct sched *sched, const struct farm *farm, struct err *err)
{
	struct sched_builder builders[FARM_BUILDERS_MAX];

	for (size_t i = 0; i < farm->n; i++) {
		const struct farm_builder *from = &farm->builders[i];
		int rv = add_systems(sched, from, &builders[i].systems, err);

		if (rv == 0)
			rv = sched_features(sched, from->features, &builders[i].features, err);
		if (rv < 0)
			return rv;
		builders[i].name = from->name;
		builders[i].slots[SCHED_BUILD] = from->slots;
		builders[i].slots[SCHED_FETCH] = 0;
		builders[i].speed = from->speed;
	}
	sched_set_builders(sched, builders, farm->n);
	return 0;
}

static int spr_create(const struct policy_class *class, const struct policy_setup *setup,
	struct policy **out, struct err *err)
{
	struct spr *spr = xcalloc(1, sizeof *spr);
	int rv;

	spr->policy.class = class;
	spr->sched = sched_create();
	sched_set_policy(spr->sched, &setup->knobs);
	rv = set_builders(spr->sched, setup->farm, err);
	if (rv == 0) {
		*out = &spr->policy;
		return 0;
	}
	sched_destroy(spr->sched);
	free(spr);
	return rv;
}

static void spr_destroy(struct policy *policy)
{
	struct spr *spr = spr_of(policy);

	sched_destroy(spr->sched);
	free(spr);
}

/* ---- what happens ---- */

static void spr_learn(struct policy *policy, int64_t took_ms, int64_t at_ms)
{
	sched_learn(spr_of(policy)->sched, (double)took_ms, at_ms);
}

static void spr_add(struct policy *policy, const struct sim_build *build, int64_t now_ms)
{
	struct sched *sched = spr_of(policy)->sched;
	cleanup_free int64_t *needs = xcalloc(build->n_needs, sizeof *needs);
	struct sched_build added = {
		.id = id_of(build->index),
		.lane = SCHED_BUILD,
		.cost_ms = estimate_median(&build->cost),
		.cost_sigma = build->cost.sigma,
	};

	(void)now_ms;
	/* The farm has all systems and features that occur: the simulation has looked. */
	(void)sched_system(sched, build->row->system, &added.system, NULL);
	(void)sched_features(sched, build->row->features, &added.features, NULL);
	for (size_t i = 0; i < build->n_needs; i++)
		needs[i] = id_of(build->needs[i]);
	sched_add(sched, &added, needs, build->n_needs);
}

static void spr_want(struct policy *policy, const struct sim_build *build, int64_t now_ms)
{
	struct sched *sched = spr_of(policy)->sched;
	struct sched_want want = {
		.jobs = 1,
		.weight = build->weight,
		.submitter = sched_submitter(sched, build->row->submitter),
		.since_ms = now_ms,
		.start_by_ms = SCHED_PROMISE_NOW,
	};

	sched_set_want(sched, id_of(build->index), &want, now_ms);
}

static void spr_supersede(struct policy *policy, uint32_t older, uint32_t newer)
{
	sched_supersede(spr_of(policy)->sched, id_of(older), id_of(newer));
}

static void spr_ready(struct policy *policy, uint32_t index, int64_t now_ms)
{
	(void)now_ms;
	sched_set_ready(spr_of(policy)->sched, id_of(index), 0);
}

static void spr_set_cost(struct policy *policy, uint32_t index, const struct estimate *cost)
{
	sched_set_cost(spr_of(policy)->sched, id_of(index), estimate_median(cost), cost->sigma);
}

static void spr_leave(struct policy *policy, uint32_t index, int64_t now_ms)
{
	sched_remove(spr_of(policy)->sched, id_of(index), now_ms);
}

static bool spr_start(struct policy *policy, int64_t now_ms, struct sim_start *out)
{
	struct sched *sched = spr_of(policy)->sched;
	struct sched_decision decision;

	sched_decide(sched, now_ms, &decision);
	if (decision.n == 0)
		return false;
	assert(decision.n == 1); /* Without sched_set_batching(). */
	sched_started(sched, &decision, now_ms);
	*out = (struct sim_start){
		.index = (uint32_t)(decision.builds[0] - 1),
		.builder = decision.builder,
		.is_promised = decision.rule == SCHED_RULE_PROMISE,
	};
	return true;
}

/* The simulation itself tells what is ready now. */
static void on_open(void *owner, int64_t build)
{
	(void)owner;
	(void)build;
}

static void spr_ended(struct policy *policy, uint32_t index, int64_t took_ms, int64_t now_ms)
{
	(void)took_ms;
	sched_built(spr_of(policy)->sched, id_of(index), now_ms, on_open, NULL);
}

static int64_t spr_start_by(const struct policy *policy, uint32_t index)
{
	struct sched_want want;

	sched_want(spr_of(policy)->sched, id_of(index), &want);
	return want.jobs == 0 ? INT64_MAX : want.start_by_ms;
}

const struct policy_class policy_spr = {
	.name = "spr",
	.summary = "score, promise, reserve: what capqd does",
	.create = spr_create,
	.destroy = spr_destroy,
	.learn = spr_learn,
	.add = spr_add,
	.want = spr_want,
	.supersede = spr_supersede,
	.ready = spr_ready,
	.set_cost = spr_set_cost,
	.leave = spr_leave,
	.start = spr_start,
	.ended = spr_ended,
	.start_by = spr_start_by,
};
