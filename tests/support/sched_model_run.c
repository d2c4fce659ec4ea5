#include "tests/support/sched_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/score.h"

#define SECOND 1000.0
#define MINUTE (60 * SECOND)
#define LEARNT_MAX 200

/* A run of the model: the world, and what it takes to make it again after a restart. */
struct run {
	struct model m;
	struct model_draws *draws;
	struct {
		double cost_ms;
		int64_t at_ms;
	} learnt[LEARNT_MAX];
	size_t n_learnt;
};

/* ---- draws ---- */

static bool has_more(const struct model_draws *d)
{
	return d->bytes == NULL || d->n > 0;
}

/* xorshift64*: good enough, and the same everywhere. */
static size_t draw(struct run *r, size_t n)
{
	struct model_draws *d = r->draws;

	if (d->bytes != NULL) {
		if (d->n == 0)
			return 0;
		d->n--;
		return *d->bytes++ % n;
	}
	d->random ^= d->random >> 12;
	d->random ^= d->random << 25;
	d->random ^= d->random >> 27;
	return (size_t)((d->random * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % n;
}

static double draw_of(struct run *r, const double *values, size_t n)
{
	return values[draw(r, n)];
}
#define DRAW(r, ...)                                                                               \
	draw_of(r, (const double[]){ __VA_ARGS__ },                                                \
		sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

static double draw_cost(struct run *r)
{
	return DRAW(r, 20 * SECOND, 5 * MINUTE, 5 * MINUTE, 20 * MINUTE, 25 * MINUTE, 1 * HOUR_MS,
		3 * HOUR_MS, 12 * HOUR_MS);
}

/* ---- operations ---- */

/* The next build in that state, from `i` on; MODEL_BUILDS: there is none. */
static size_t next_in_state(const struct model *m, enum sched_state state, size_t i)
{
	for (size_t k = 0; k < MODEL_BUILDS; k++)
		if (m->builds[(i + k) % MODEL_BUILDS].state == state)
			return (i + k) % MODEL_BUILDS;
	return MODEL_BUILDS;
}

static void spend(struct model *m, uint32_t submitter, double ms)
{
	m->used_ms[submitter] = fmax(m->used_ms[submitter] + ms, 0);
}

static void op_add(struct run *r, size_t from)
{
	size_t i = next_in_state(&r->m, SCHED_UNKNOWN, from), n = 0;
	struct model_build *b = &r->m.builds[i];
	int64_t needs[4];

	if (i == MODEL_BUILDS)
		return;
	memset(b, 0, sizeof *b);
	b->spec = (struct sched_build){
		.id = model_id(i),
		.lane = draw(r, 6) == 0 ? SCHED_FETCH : SCHED_BUILD,
		.system = draw(r, 4) == 0 ? 1 : 0,
		.features = draw(r, 6) == 0 ? 1 : 0,
		.cost_ms = draw_cost(r),
		.cost_sigma = DRAW(r, 0.1, 0.5, 1.2),
	};
	for (size_t k = draw(r, 2) * draw(r, 4); k > 0; k--) {
		size_t need = draw(r, MODEL_BUILDS);

		needs[n++] = model_id(need);
		b->needs[need] = need != i && model_is_there(&r->m, need);
	}
	sched_add(r->m.s, &b->spec, needs, n);
	b->state = model_n_needs(&r->m, i) > 0 ? SCHED_BLOCKED : SCHED_OPEN;
}

static struct sched_want draw_want(struct run *r)
{
	int64_t now_ms = r->m.now_ms;

	return (struct sched_want){
		.jobs = (uint32_t)(draw(r, 6) > 0),
		.is_held = draw(r, 8) == 0,
		.is_leftover = draw(r, 6) == 0,
		.bumped_ms = draw(r, 8) == 0 ? model_id(draw(r, 3)) : 0,
		.weight = DRAW(r, 0, 0.5, 1, 1, 1, 2, 2e4),
		.submitter = (uint32_t)draw(r, MODEL_SUBMITTERS),
		.since_ms = now_ms - (int64_t)DRAW(r, 0, 0, 10 * MINUTE, 7 * HOUR_MS),
		.start_by_ms = draw(r, 4) > 0 ? SCHED_PROMISE_NOW
					      : now_ms + (int64_t)DRAW(r, -HOUR_MS, HOUR_MS),
		.cost_ms = draw(r, 4) > 0 ? 0 : draw_cost(r),
		.chain_ms = draw(r, 4) > 0 ? 0 : draw_cost(r),
	};
}

/* What the want becomes by itself: a promise, a chain. Both are held against the model's, and then
 * taken over to the last bit. */
static void settle_want(struct run *r, size_t i, struct sched_want want)
{
	struct model *m = &r->m;
	struct sched_want *own = &m->builds[i].own, got;
	bool is_new = own->jobs == 0;

	sched_want(m->s, model_id(i), &got);
	want.weight = fmin(want.weight, SCORE_WEIGHT_MAX);
	if (want.start_by_ms == SCHED_PROMISE_NOW)
		want.start_by_ms = is_new ? model_promise(m) : own->start_by_ms;
	if (want.cost_ms == 0)
		want.cost_ms = is_new ? m->builds[i].spec.cost_ms : own->cost_ms;
	if (want.chain_ms == 0)
		want.chain_ms = is_new ? model_chain_ms(m, i) : own->chain_ms;
	if (want.jobs == 0)
		memset(&want, 0, sizeof want);
	MODEL_HOLDS(&r->m, got.jobs == want.jobs && got.is_held == want.is_held);
	MODEL_HOLDS(&r->m, got.is_leftover == want.is_leftover && got.bumped_ms == want.bumped_ms);
	MODEL_HOLDS(
		&r->m, MODEL_NEARLY(got.weight, want.weight) && got.submitter == want.submitter);
	MODEL_HOLDS(
		&r->m, got.since_ms == want.since_ms && MODEL_NEARLY(got.chain_ms, want.chain_ms));
	MODEL_HOLDS(&r->m, MODEL_NEARLY(got.cost_ms, want.cost_ms));
	MODEL_HOLDS(&r->m, (double)llabs(got.start_by_ms - want.start_by_ms) <= MINUTE);
	*own = got;
}

static void op_want(struct run *r, size_t i)
{
	struct sched_want want = draw_want(r);

	sched_set_want(r->m.s, model_id(i), &want, r->m.now_ms);
	if (model_is_there(&r->m, i))
		settle_want(r, i, want);
}

static void op_supersede(struct run *r, size_t i)
{
	struct model *m = &r->m;
	size_t newer = draw(r, MODEL_BUILDS);
	struct sched_want *a = &m->builds[i].own, *b = &m->builds[newer].own;

	if (!model_is_there(m, i) || !model_is_there(m, newer))
		return;
	sched_supersede(m->s, model_id(i), model_id(newer));
	if (i == newer || a->jobs == 0 || b->jobs == 0)
		return;
	b->weight = (float)fmin(b->weight + INHERITED_WEIGHT * a->weight, SCORE_WEIGHT_MAX);
	b->since_ms = a->since_ms < b->since_ms ? a->since_ms : b->since_ms;
	b->start_by_ms = a->start_by_ms < b->start_by_ms ? a->start_by_ms : b->start_by_ms;
	b->bumped_ms = a->bumped_ms > b->bumped_ms ? a->bumped_ms : b->bumped_ms;
	memset(a, 0, sizeof *a);
}

static void op_cost(struct run *r, size_t i)
{
	struct sched_build *spec = &r->m.builds[i].spec;

	if (!model_is_there(&r->m, i) || r->m.builds[i].state == SCHED_RUNNING)
		return;
	spec->cost_ms = draw_cost(r);
	spec->cost_sigma = DRAW(r, 0.1, 0.5, 1.2);
	sched_set_cost(r->m.s, model_id(i), spec->cost_ms, spec->cost_sigma);
}

static void op_ready(struct run *r, size_t from)
{
	size_t i = next_in_state(&r->m, SCHED_OPEN, from);
	struct model_build *b = &r->m.builds[i];

	if (i == MODEL_BUILDS)
		return;
	b->not_before_ms = draw(r, 5) == 0 ? r->m.now_ms + (int64_t)(30 * MINUTE) : 0;
	b->state = SCHED_READY;
	sched_set_ready(r->m.s, model_id(i), b->not_before_ms);
}

static void begin_run(struct model *m, const struct sched_decision *d)
{
	size_t first = (size_t)d->builds[0] - 1, at = 0;
	struct model_run run = { .n = d->n,
		.cost_sigma = (float)m->builds[first].spec.cost_sigma,
		.started_ms = m->now_ms,
		.builder = d->builder,
		.submitter = m->builds[first].view.submitter,
		.lane = d->lane,
		.rule = d->rule,
		.is_long = model_is_long(m, first) };

	while (m->runs[at].n > 0)
		at++;
	for (size_t i = 0; i < d->n; i++) {
		struct model_build *b = &m->builds[d->builds[i] - 1];

		run.cost_ms += (float)b->spec.cost_ms;
		b->state = SCHED_RUNNING;
		b->run = at;
	}
	run.charged_ms = run.cost_ms / m->builders[d->builder].speed;
	m->runs[at] = run;
	if (run.lane == SCHED_BUILD)
		spend(m, run.submitter, run.charged_ms);
}

static void leave_run(struct model *m, size_t i)
{
	struct model_run *run = &m->runs[m->builds[i].run];

	if (m->builds[i].state != SCHED_RUNNING || --run->n > 0)
		return;
	if (run->lane == SCHED_BUILD)
		spend(m, run->submitter, (double)(m->now_ms - run->started_ms) - run->charged_ms);
}

static void op_start(struct run *r, size_t unused)
{
	struct sched_decision decision;

	(void)unused;
	model_compare_decision(&r->m, &decision);
	if (decision.n == 0)
		return;
	sched_started(r->m.s, &decision, r->m.now_ms);
	begin_run(&r->m, &decision);
}

static void on_open(void *owner, int64_t id)
{
	struct run *r = owner;
	struct model_build *b = &r->m.builds[id - 1];

	MODEL_HOLDS(&r->m, b->state == SCHED_BLOCKED && model_n_needs(&r->m, (size_t)id - 1) == 0);
	b->state = SCHED_OPEN;
}

/* Mostly what runs; but anything may be found to be valid. */
static void op_built(struct run *r, size_t from)
{
	struct model *m = &r->m;
	size_t i = draw(r, 8) == 0 ? from : next_in_state(m, SCHED_RUNNING, from);

	if (i == MODEL_BUILDS || !model_is_there(m, i))
		return;
	leave_run(m, i);
	m->builds[i].state = SCHED_UNKNOWN;
	for (size_t k = 0; k < MODEL_BUILDS; k++)
		m->builds[k].needs[i] = m->builds[i].needs[k] = false;
	sched_built(m->s, model_id(i), m->now_ms, on_open, r);
	for (size_t k = 0; k < MODEL_BUILDS; k++)
		MODEL_HOLDS(&r->m, m->builds[k].state != SCHED_BLOCKED || model_n_needs(m, k) > 0);
}

static void op_requeue(struct run *r, size_t i)
{
	struct model_build *b = &r->m.builds[i];

	if (b->state != SCHED_RUNNING && b->state != SCHED_READY)
		return;
	leave_run(&r->m, i);
	b->state = SCHED_OPEN;
	sched_requeue(r->m.s, model_id(i), r->m.now_ms);
}

static void op_remove(struct run *r, size_t i)
{
	struct model *m = &r->m;
	bool leaves[MODEL_BUILDS];

	for (size_t k = 0; k < MODEL_BUILDS; k++)
		leaves[k] = model_is_there(m, i) && model_reaches(m, k, i);
	for (size_t k = 0; k < MODEL_BUILDS; k++) {
		for (size_t j = 0; j < MODEL_BUILDS; j++)
			m->builds[k].needs[j] = m->builds[k].needs[j] && !leaves[j] && !leaves[k];
		if (!leaves[k])
			continue;
		leave_run(m, k);
		m->builds[k].state = SCHED_UNKNOWN;
	}
	sched_remove(m->s, model_id(i), m->now_ms);
}

static void op_need(struct run *r, size_t i)
{
	struct model *m = &r->m;
	size_t need = draw(r, MODEL_BUILDS);
	bool is_circle;

	if (!model_is_there(m, i) || m->builds[i].state == SCHED_RUNNING)
		return;
	is_circle = model_is_there(m, need) && model_reaches(m, need, i);
	MODEL_HOLDS(&r->m, sched_add_need(m->s, model_id(i), model_id(need)) == !is_circle);
	if (is_circle || !model_is_there(m, need))
		return;
	m->builds[i].needs[need] = true;
	m->builds[i].state = SCHED_BLOCKED;
}

static void op_time(struct run *r, size_t unused)
{
	double by_ms = DRAW(r, 1, MINUTE, 20 * MINUTE, 20 * MINUTE, 20 * MINUTE, 5 * HOUR_MS,
		5 * HOUR_MS, 40 * HOUR_MS, 1000 * HOUR_MS);

	(void)unused;
	r->m.now_ms += (int64_t)by_ms;
	for (size_t k = 0; k < MODEL_SUBMITTERS; k++)
		r->m.used_ms[k] *= exp(-by_ms / SHARE_DECAY_MS);
}

static void op_learn(struct run *r, size_t unused)
{
	double cost_ms = draw_cost(r);

	(void)unused;
	for (size_t n = 1 + draw(r, 4); n > 0 && r->n_learnt < LEARNT_MAX; n--) {
		r->learnt[r->n_learnt].cost_ms = cost_ms;
		r->learnt[r->n_learnt++].at_ms = r->m.now_ms;
		sched_learn(r->m.s, cost_ms, r->m.now_ms);
	}
	r->m.long_fell = r->m.long_fell || sched_long_ms(r->m.s) < r->m.long_ms;
	r->m.long_ms = sched_long_ms(r->m.s);
}

static void set_builders(struct model *m)
{
	sched_set_builders(m->s, m->builders, MODEL_BUILDERS);
}

static void op_builders(struct run *r, size_t unused)
{
	static const char *const names[MODEL_BUILDERS] = { "one", "two", "three" };

	(void)unused;
	/* The first always has a slot: else shares are shares of nothing. */
	for (size_t b = 0; b < MODEL_BUILDERS; b++)
		r->m.builders[b] = (struct sched_builder){
			.name = names[b],
			.systems = b > 0 && draw(r, 5) == 0 ? 0 : 1 + (uint32_t)draw(r, 3),
			.features = draw(r, 2),
			.slots = { (b == 0) + (uint32_t)draw(r, 5), (uint32_t)draw(r, 2) },
			.speed = DRAW(r, 1, 1, 2, 0.5),
		};
	set_builders(&r->m);
}

static void op_policy(struct run *r, size_t unused)
{
	struct model *m = &r->m;

	(void)unused;
	m->policy = (struct sched_policy){
		.promise_grace_ms = (int64_t)DRAW(r, 0, HOUR_MS, 36 * HOUR_MS),
		.promise_factor = DRAW(r, 0, 1, 2.5),
		.promise_slots = DRAW(r, 0.1, 0.25, 0.5, 1),
		.reserve = DRAW(r, 0, 0.125, 0.25, 0.5),
	};
	m->batching =
		(struct sched_batching){ .cost_ms = DRAW(r, 0, MINUTE, 30 * MINUTE, 2 * HOUR_MS),
			.max = 1 + draw(r, 4) };
	sched_set_policy(m->s, &m->policy);
	sched_set_batching(m->s, m->batching);
}

/* A copy is as good as the original. */
static void op_copy(struct run *r, size_t unused)
{
	struct sched *copy = sched_copy(r->m.s);

	(void)unused;
	sched_destroy(r->m.s);
	r->m.s = copy;
}

/* ---- a restart ---- */

static void add_again(struct run *r, size_t first)
{
	struct model *m = &r->m;

	for (size_t k = 0; k < MODEL_BUILDS; k++) {
		const struct model_build *b = &m->builds[(k + first) % MODEL_BUILDS];

		if (b->state != SCHED_UNKNOWN)
			sched_add(m->s, &b->spec, NULL, 0);
	}
	for (size_t i = 0; i < MODEL_BUILDS; i++)
		for (size_t k = 0; k < MODEL_BUILDS; k++)
			if (m->builds[i].needs[k])
				sched_restore_need(m->s, model_id(i), model_id(k));
	for (size_t k = 0; k < MODEL_BUILDS; k++) {
		size_t i = (k + first) % MODEL_BUILDS;
		const struct model_build *b = &m->builds[i];

		sched_set_want(m->s, model_id(i), &b->own, m->now_ms);
		if (b->state == SCHED_READY)
			sched_set_ready(m->s, model_id(i), b->not_before_ms);
	}
}

/* What ran is to be run again; everything else is as it was, and comes in another order. */
static void op_restart(struct run *r, size_t first)
{
	struct model *m = &r->m;
	double used_ms[MODEL_SUBMITTERS];

	for (size_t i = 0; i < MODEL_BUILDS; i++)
		if (m->builds[i].state == SCHED_RUNNING)
			op_requeue(r, i);
	for (uint32_t k = 0; k < MODEL_SUBMITTERS; k++)
		used_ms[k] = sched_usage(m->s, k, m->now_ms);
	sched_destroy(m->s);
	m->s = sched_create();
	sched_set_policy(m->s, &m->policy);
	sched_set_batching(m->s, m->batching);
	set_builders(m);
	for (size_t i = 0; i < r->n_learnt; i++)
		sched_learn(m->s, r->learnt[i].cost_ms, r->learnt[i].at_ms);
	MODEL_HOLDS(&r->m, sched_long_ms(m->s) == m->long_ms);
	for (uint32_t k = 0; k < MODEL_SUBMITTERS; k++)
		sched_set_usage(m->s, k, used_ms[k], m->now_ms);
	add_again(r, first);
}

void model_run(struct model_draws *draws, size_t steps, const char *name)
{
	/* How often each is drawn. */
	static const struct {
		void (*run)(struct run *r, size_t build);
		size_t weight;
	} ops[] = { { op_add, 40 }, { op_want, 30 }, { op_ready, 40 }, { op_start, 36 },
		{ op_built, 24 }, { op_requeue, 4 }, { op_remove, 2 }, { op_need, 6 },
		{ op_cost, 4 }, { op_supersede, 4 }, { op_time, 20 }, { op_learn, 8 },
		{ op_builders, 2 }, { op_policy, 2 }, { op_copy, 2 }, { op_restart, 2 } };
	struct run r = { .draws = draws, .m = { .name = name } };
	size_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		all += ops[i].weight;
	r.m.s = sched_create();
	r.m.long_ms = LONG_MIN_MS;
	op_builders(&r, 0);
	op_policy(&r, 0);
	for (; r.m.step < steps && has_more(draws); r.m.step++) {
		size_t at = draw(&r, all), op = 0;

		while (at >= ops[op].weight)
			at -= ops[op++].weight;
		ops[op].run(&r, draw(&r, MODEL_BUILDS));
		model_compare(&r.m);
	}
	sched_destroy(r.m.s);
}
