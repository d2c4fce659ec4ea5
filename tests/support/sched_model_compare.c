#include "tests/support/sched_model.h"

#include <math.h>

#include "sched/score.h"

static void compare_build(const struct model *m, size_t i)
{
	const struct model_build *b = &m->builds[i];
	struct sched_why why;

	MODEL_HOLDS(m, sched_state(m->s, model_id(i)) == b->state);
	MODEL_HOLDS(m, sched_needs_left(m->s, model_id(i)) == model_n_needs(m, i));
	MODEL_HOLDS(m, sched_is_wanted(m->s, model_id(i)) ==
			       (model_is_there(m, i) && b->view.rank != MODEL_UNWANTED));
	if (!model_is_there(m, i))
		return;
	sched_why(m->s, model_id(i), m->now_ms, &why);
	MODEL_HOLDS(m, why.start_by_ms == b->view.start_by_ms);
	if (model_is_queued(m, i))
		MODEL_HOLDS(m, MODEL_NEARLY(why.score, model_score(m, i)));
	if (b->view.rank >= MODEL_LEFTOVER)
		MODEL_HOLDS(m, MODEL_NEARLY(why.share, model_share(m, b->view.submitter)));
}

static int64_t next_time(const struct model *m)
{
	int64_t at_ms = INT64_MAX;

	for (size_t i = 0; i < MODEL_BUILDS; i++)
		if (m->builds[i].state == SCHED_READY && m->builds[i].not_before_ms > m->now_ms &&
			m->builds[i].not_before_ms < at_ms)
			at_ms = m->builds[i].not_before_ms;
	return at_ms;
}

/* `chosen`, 0 for none, may start by the rules, and nothing surely goes before it that is not
 * `taken`. */
static void compare_choice(const struct model *m, int64_t chosen, const bool *taken)
{
	size_t c = (size_t)chosen - 1;

	MODEL_HOLDS(m, chosen >= 0 && chosen <= MODEL_BUILDS);
	MODEL_HOLDS(m, chosen == 0 || (model_may_start(m, c) && !taken[c]));
	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		if (taken[i] || !model_may_start(m, i))
			continue;
		MODEL_HOLDS(m, chosen != 0);
		MODEL_HOLDS(m, i == c || !model_goes_first(m, i, c));
	}
}

/* Builds that may share a slot with `a`, which is one of them. */
static bool is_in_group(const struct model *m, size_t a, size_t i)
{
	const struct model_build *x = &m->builds[a], *y = &m->builds[i];

	return model_is_queued(m, i) && y->spec.lane == x->spec.lane &&
	       y->spec.system == x->spec.system && y->spec.features == x->spec.features &&
	       y->view.submitter == x->view.submitter && model_is_long(m, i) == model_is_long(m, a);
}

static bool is_cheap(const struct model *m, size_t i)
{
	const struct sched_build *spec = &m->builds[i].spec;

	return (float)spec->cost_ms * exp(CHEAP_SIGMAS * (float)spec->cost_sigma) <
	       m->batching.cost_ms;
}

static bool is_head(const struct model *m, size_t first, size_t i, const bool *taken)
{
	if (taken[i] || !is_in_group(m, first, i))
		return false;
	for (size_t k = 0; k < MODEL_BUILDS; k++)
		if (!taken[k] && is_in_group(m, first, k) && model_is_before(m, k, i))
			return false;
	return true;
}

static size_t batch_max(const struct model *m, size_t first)
{
	const struct model_build *b = &m->builds[first];
	struct model_pool pool;
	size_t n = 0;

	for (size_t i = 0; i < MODEL_BUILDS; i++)
		n += model_is_queued(m, i) && m->builds[i].spec.lane == b->spec.lane &&
		     m->builds[i].spec.system == b->spec.system &&
		     m->builds[i].spec.features == b->spec.features;
	model_pool_of(m, first, &pool);
	n = (n + pool.n_free - 1) / pool.n_free;
	return n < m->batching.max ? n : m->batching.max;
}

/* What follows the first in its slot is the head of its group each time, and cheap; and when no
 * more follow, there is a reason. */
static void compare_batch(const struct model *m, const struct sched_decision *d, bool *taken)
{
	size_t first = (size_t)d->builds[0] - 1, max = batch_max(m, first);
	bool may_end = d->n >= max || !is_cheap(m, first) || m->long_fell, is_empty = true;

	taken[first] = true;
	for (size_t i = 1; i < d->n; i++) {
		size_t next = (size_t)d->builds[i] - 1;

		MODEL_HOLDS(m, i < max && is_cheap(m, first));
		MODEL_HOLDS(m, is_head(m, first, next, taken) && is_cheap(m, next));
		taken[next] = true;
	}
	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		is_empty = is_empty && (taken[i] || !is_in_group(m, first, i));
		may_end = may_end || (is_head(m, first, i, taken) && !is_cheap(m, i));
	}
	MODEL_HOLDS(m, may_end || is_empty);
}

void model_compare_decision(struct model *m, struct sched_decision *d)
{
	bool taken[MODEL_BUILDS] = { false };
	struct model_pool pool;
	size_t first;

	sched_decide(m->s, m->now_ms, d);
	compare_choice(m, d->builds[0], taken);
	MODEL_HOLDS(m, (d->n == 0) == (d->builds[0] == 0));
	if (d->n == 0) {
		MODEL_HOLDS(m, d->ask_again_ms == next_time(m));
		return;
	}
	first = (size_t)d->builds[0] - 1;
	model_pool_of(m, first, &pool);
	MODEL_HOLDS(m, d->builder == pool.builder);
	MODEL_HOLDS(m, d->lane == m->builds[first].spec.lane);
	MODEL_HOLDS(m, d->rule == model_rule(m, first));
	MODEL_HOLDS(m, d->start_by_ms == m->builds[first].view.start_by_ms);
	MODEL_HOLDS(m, MODEL_NEARLY(d->score, model_score(m, first)));
	compare_batch(m, d, taken);
	compare_choice(m, d->runner_up, taken);
	if (d->runner_up != 0)
		MODEL_HOLDS(m,
			MODEL_NEARLY(d->runner_up_score, model_score(m, (size_t)d->runner_up - 1)));
}

static uint32_t running(const struct model *m, uint32_t builder, enum sched_lane lane)
{
	uint32_t n = 0;

	for (size_t i = 0; i < MODEL_BUILDS; i++)
		n += m->runs[i].n > 0 && m->runs[i].builder == builder && m->runs[i].lane == lane;
	return n;
}

void model_compare(struct model *m)
{
	struct sched_decision decision;
	size_t n = 0;

	model_look(m);
	model_compare_decision(m, &decision);
	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		n += model_is_there(m, i);
		compare_build(m, i);
	}
	MODEL_HOLDS(m, sched_n(m->s) == n);
	for (uint32_t b = 0; b < MODEL_BUILDERS; b++)
		for (enum sched_lane lane = 0; lane < SCHED_LANES; lane++)
			MODEL_HOLDS(m, sched_running(m->s, b, lane) == running(m, b, lane));
}
