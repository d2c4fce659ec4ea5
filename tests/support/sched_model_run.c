#include "tests/support/sched_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/score.h"

#define SECOND 1000.0
#define MINUTE (60 * SECOND)
#define LEARNT_MAX 64

/* A run of the model: the world, and what it takes to make it again after a restart. */
struct run {
	struct model m;
	struct model_draws *draws;
	const char *name;
	size_t step;
	struct {
		double cost_ms;
		int64_t at_ms;
	} learnt[LEARNT_MAX];
	size_t n_learnt;
};

#define HOLDS(r, what)                                                                             \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			(void)fprintf(stderr, "%s, step %zu: not so: %s (%s:%d)\n", (r)->name,     \
				(r)->step, #what, __FILE__, __LINE__);                             \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define NEARLY(x, y) (fabs((x) - (y)) <= 1e-4 * fmax(fabs(x), fabs(y)) + 1e-9)

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

static int64_t id_of(size_t i)
{
	return (int64_t)i + 1;
}

/* ---- both say the same ---- */

static void compare_build(struct run *r, size_t i)
{
	const struct model *m = &r->m;
	const struct model_build *b = &m->builds[i];
	struct sched_why why;

	HOLDS(r, sched_state(m->s, id_of(i)) == b->state);
	HOLDS(r, sched_needs_left(m->s, id_of(i)) == model_n_needs(m, i));
	HOLDS(r, sched_is_wanted(m->s, id_of(i)) ==
			 (model_is_there(m, i) && b->view.rank != MODEL_UNWANTED));
	if (!model_is_there(m, i))
		return;
	sched_why(m->s, id_of(i), m->now_ms, &why);
	HOLDS(r, why.start_by_ms == b->view.start_by_ms);
	if (model_is_queued(m, i))
		HOLDS(r, NEARLY(why.score, model_score(m, i)));
	if (b->view.rank >= MODEL_LEFTOVER)
		HOLDS(r, NEARLY(why.share, model_share(m, b->view.submitter)));
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
static void compare_choice(struct run *r, int64_t chosen, const bool *taken)
{
	const struct model *m = &r->m;
	size_t c = (size_t)chosen - 1;

	HOLDS(r, chosen >= 0 && chosen <= MODEL_BUILDS);
	HOLDS(r, chosen == 0 || (model_may_start(m, c) && !taken[c]));
	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		if (taken[i] || !model_may_start(m, i))
			continue;
		HOLDS(r, chosen != 0);
		HOLDS(r, i == c || !model_goes_first(m, i, c));
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
	return (float)m->builds[i].spec.cost_ms < m->batching.cost_ms;
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
static void compare_batch(struct run *r, const struct sched_decision *d, bool *taken)
{
	const struct model *m = &r->m;
	size_t first = (size_t)d->builds[0] - 1, max = batch_max(m, first);
	bool may_end = d->n >= max || !is_cheap(m, first), is_empty = true;

	taken[first] = true;
	for (size_t i = 1; i < d->n; i++) {
		size_t next = (size_t)d->builds[i] - 1;

		HOLDS(r, i < max && is_cheap(m, first));
		HOLDS(r, is_head(m, first, next, taken) && is_cheap(m, next));
		taken[next] = true;
	}
	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		is_empty = is_empty && (taken[i] || !is_in_group(m, first, i));
		may_end = may_end || (is_head(m, first, i, taken) && !is_cheap(m, i));
	}
	HOLDS(r, may_end || is_empty);
}

static void compare_decision(struct run *r, struct sched_decision *d)
{
	const struct model *m = &r->m;
	bool taken[MODEL_BUILDS] = { false };
	struct model_pool pool;
	size_t first;

	sched_decide(m->s, m->now_ms, d);
	compare_choice(r, d->builds[0], taken);
	HOLDS(r, (d->n == 0) == (d->builds[0] == 0));
	if (d->n == 0) {
		HOLDS(r, d->ask_again_ms == next_time(m));
		return;
	}
	first = (size_t)d->builds[0] - 1;
	model_pool_of(m, first, &pool);
	HOLDS(r, d->builder == pool.builder);
	HOLDS(r, d->lane == m->builds[first].spec.lane);
	HOLDS(r, d->rule == model_rule(m, first));
	HOLDS(r, d->start_by_ms == m->builds[first].view.start_by_ms);
	HOLDS(r, NEARLY(d->score, model_score(m, first)));
	compare_batch(r, d, taken);
	compare_choice(r, d->runner_up, taken);
	if (d->runner_up != 0)
		HOLDS(r, NEARLY(d->runner_up_score, model_score(m, (size_t)d->runner_up - 1)));
}

static uint32_t running(const struct model *m, uint32_t builder, enum sched_lane lane)
{
	uint32_t n = 0;

	for (size_t i = 0; i < MODEL_BUILDS; i++)
		n += m->runs[i].n > 0 && m->runs[i].builder == builder && m->runs[i].lane == lane;
	return n;
}

static void compare(struct run *r)
{
	struct model *m = &r->m;
	struct sched_decision decision;
	size_t n = 0;

	model_look(m);
	compare_decision(r, &decision);
	for (size_t i = 0; i < MODEL_BUILDS; i++) {
		n += model_is_there(m, i);
		compare_build(r, i);
	}
	HOLDS(r, sched_n(m->s) == n);
	for (uint32_t b = 0; b < MODEL_BUILDERS; b++)
		for (enum sched_lane lane = 0; lane < SCHED_LANES; lane++)
			HOLDS(r, sched_running(m->s, b, lane) == running(m, b, lane));
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
		.id = id_of(i),
		.lane = draw(r, 6) == 0 ? SCHED_FETCH : SCHED_BUILD,
		.system = draw(r, 4) == 0 ? 1 : 0,
		.features = draw(r, 6) == 0 ? 1 : 0,
		.cost_ms = draw_cost(r),
		.cost_sigma = DRAW(r, 0.1, 0.5, 1.2),
	};
	for (size_t k = draw(r, 2) * draw(r, 4); k > 0; k--) {
		size_t need = draw(r, MODEL_BUILDS);

		needs[n++] = id_of(need);
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
		.bumped_ms = draw(r, 8) == 0 ? id_of(draw(r, 3)) : 0,
		.weight = DRAW(r, 0, 0.5, 1, 1, 1, 2, 2e4),
		.submitter = (uint32_t)draw(r, MODEL_SUBMITTERS),
		.since_ms = now_ms - (int64_t)DRAW(r, 0, 0, 10 * MINUTE, 7 * HOUR_MS),
		.start_by_ms = draw(r, 4) > 0 ? SCHED_PROMISE_NOW
					      : now_ms + (int64_t)DRAW(r, -HOUR_MS, HOUR_MS),
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

	sched_want(m->s, id_of(i), &got);
	want.weight = fmin(want.weight, SCORE_WEIGHT_MAX);
	if (want.start_by_ms == SCHED_PROMISE_NOW)
		want.start_by_ms = is_new ? model_promise(m) : own->start_by_ms;
	if (want.chain_ms == 0)
		want.chain_ms = is_new ? model_chain_ms(m, i) : own->chain_ms;
	if (want.jobs == 0)
		memset(&want, 0, sizeof want);
	HOLDS(r, got.jobs == want.jobs && got.is_held == want.is_held);
	HOLDS(r, got.is_leftover == want.is_leftover && got.bumped_ms == want.bumped_ms);
	HOLDS(r, NEARLY(got.weight, want.weight) && got.submitter == want.submitter);
	HOLDS(r, got.since_ms == want.since_ms && NEARLY(got.chain_ms, want.chain_ms));
	HOLDS(r, llabs(got.start_by_ms - want.start_by_ms) <= MINUTE);
	*own = got;
}

static void op_want(struct run *r, size_t i)
{
	struct sched_want want = draw_want(r);

	sched_set_want(r->m.s, id_of(i), &want, r->m.now_ms);
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
	sched_supersede(m->s, id_of(i), id_of(newer));
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
	sched_set_cost(r->m.s, id_of(i), spec->cost_ms, spec->cost_sigma);
}

static void op_ready(struct run *r, size_t from)
{
	size_t i = next_in_state(&r->m, SCHED_OPEN, from);
	struct model_build *b = &r->m.builds[i];

	if (i == MODEL_BUILDS)
		return;
	b->not_before_ms = draw(r, 5) == 0 ? r->m.now_ms + (int64_t)(30 * MINUTE) : 0;
	b->state = SCHED_READY;
	sched_set_ready(r->m.s, id_of(i), b->not_before_ms);
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
	compare_decision(r, &decision);
	if (decision.n == 0)
		return;
	sched_started(r->m.s, &decision, r->m.now_ms);
	begin_run(&r->m, &decision);
}

static void on_open(void *owner, int64_t id)
{
	struct run *r = owner;
	struct model_build *b = &r->m.builds[id - 1];

	HOLDS(r, b->state == SCHED_BLOCKED && model_n_needs(&r->m, (size_t)id - 1) == 0);
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
	sched_built(m->s, id_of(i), m->now_ms, on_open, r);
	for (size_t k = 0; k < MODEL_BUILDS; k++)
		HOLDS(r, m->builds[k].state != SCHED_BLOCKED || model_n_needs(m, k) > 0);
}

static void op_requeue(struct run *r, size_t i)
{
	struct model_build *b = &r->m.builds[i];

	if (b->state != SCHED_RUNNING && b->state != SCHED_READY)
		return;
	leave_run(&r->m, i);
	b->state = SCHED_OPEN;
	sched_requeue(r->m.s, id_of(i), r->m.now_ms);
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
	sched_remove(m->s, id_of(i), m->now_ms);
}

static void op_need(struct run *r, size_t i)
{
	struct model *m = &r->m;
	size_t need = draw(r, MODEL_BUILDS);
	bool is_circle;

	if (!model_is_there(m, i) || m->builds[i].state == SCHED_RUNNING)
		return;
	is_circle = model_is_there(m, need) && model_reaches(m, need, i);
	HOLDS(r, sched_add_need(m->s, id_of(i), id_of(need)) == !is_circle);
	if (is_circle || !model_is_there(m, need))
		return;
	m->builds[i].needs[need] = true;
	m->builds[i].state = SCHED_BLOCKED;
}

static void op_time(struct run *r, size_t unused)
{
	double by_ms = DRAW(r, 1, MINUTE, 20 * MINUTE, 20 * MINUTE, 5 * HOUR_MS, 40 * HOUR_MS);

	(void)unused;
	r->m.now_ms += (int64_t)by_ms;
	for (size_t k = 0; k < MODEL_SUBMITTERS; k++)
		r->m.used_ms[k] *= exp(-by_ms / SHARE_DECAY_MS);
}

static void op_learn(struct run *r, size_t unused)
{
	double cost_ms = draw_cost(r);

	(void)unused;
	if (r->n_learnt == LEARNT_MAX)
		return;
	r->learnt[r->n_learnt].cost_ms = cost_ms;
	r->learnt[r->n_learnt++].at_ms = r->m.now_ms;
	sched_learn(r->m.s, cost_ms, r->m.now_ms);
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
	for (size_t b = 0; b < MODEL_BUILDERS; b++)
		r->m.builders[b] = (struct sched_builder){
			.name = names[b],
			.systems = draw(r, 5) == 0 ? 0 : 1 + (uint32_t)draw(r, 3),
			.features = draw(r, 2),
			.slots = { (uint32_t)draw(r, 5), (uint32_t)draw(r, 2) },
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
				sched_restore_need(m->s, id_of(i), id_of(k));
	for (size_t k = 0; k < MODEL_BUILDS; k++) {
		size_t i = (k + first) % MODEL_BUILDS;
		const struct model_build *b = &m->builds[i];

		sched_set_want(m->s, id_of(i), &b->own, m->now_ms);
		if (b->state == SCHED_READY)
			sched_set_ready(m->s, id_of(i), b->not_before_ms);
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
	HOLDS(r, sched_long_ms(m->s) == m->long_ms);
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
		{ op_cost, 4 }, { op_supersede, 4 }, { op_time, 20 }, { op_learn, 4 },
		{ op_builders, 2 }, { op_policy, 2 }, { op_copy, 2 }, { op_restart, 2 } };
	struct run r = { .draws = draws, .name = name };
	size_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		all += ops[i].weight;
	r.m.s = sched_create();
	r.m.long_ms = LONG_MIN_MS;
	op_builders(&r, 0);
	op_policy(&r, 0);
	for (; r.step < steps && has_more(draws); r.step++) {
		size_t at = draw(&r, all), op = 0;

		while (at >= ops[op].weight)
			at -= ops[op++].weight;
		ops[op].run(&r, draw(&r, MODEL_BUILDS));
		compare(&r);
	}
	sched_destroy(r.m.s);
}
