/* The schedule against a model that keeps no heaps, no counts and no edges both ways, and searches
 * everything anew at every question. Random operations, the same at every run; after each, both
 * must say the same of every build, and decide the same. Now and then the schedule is thrown away
 * and made again from the model, in another order, as a restart does it. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/schedule.h"

#define BUILDS 24
#define SEEDS 300
#define STEPS 250
#define BUILDERS 3

struct model_build {
	struct sched_build spec; /* id is the index + 1. */
	enum sched_state state;  /* SCHED_UNKNOWN: not there. */
	bool needs[BUILDS];
	struct want own;
	int64_t not_before_ms;
	uint32_t builder; /* While RUNNING. */
};

struct model {
	struct model_build builds[BUILDS];
	struct sched_builder builders[BUILDERS];
	int64_t now_ms;
	uint64_t random;
	unsigned seed, step;
	struct sched *s;
};

#define HOLDS(m, what)                                                                             \
	do {                                                                                       \
		if (!(what))                                                                       \
			fail_msg("seed %u, step %u: not so: %s", (m)->seed, (m)->step, #what);     \
	} while (0)

/* xorshift64*: good enough, and the same everywhere. */
static unsigned draw(struct model *m, unsigned n)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (unsigned)((m->random * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % n;
}

/* ---- the model's own view ---- */

static bool is_there(const struct model *m, size_t i)
{
	return m->builds[i].state != SCHED_UNKNOWN;
}

static size_t n_needs(const struct model *m, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < BUILDS; k++)
		n += m->builds[i].needs[k];
	return n;
}

static bool reaches(const struct model *m, size_t from, size_t to)
{
	if (from == to)
		return true;
	for (size_t k = 0; k < BUILDS; k++)
		if (m->builds[from].needs[k] && reaches(m, k, to))
			return true;
	return false;
}

/* True when `a` is more urgent than `b`. */
static bool is_more_urgent(const struct want *a, const struct want *b)
{
	if (a->jobs == 0 || b->jobs == 0)
		return a->jobs > b->jobs && b->jobs == 0;
	if (a->is_held || b->is_held) {
		if (a->is_held != b->is_held)
			return b->is_held;
	}
	if (a->bumped_ms != b->bumped_ms)
		return a->bumped_ms > b->bumped_ms;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->submitted_ms < b->submitted_ms;
}

/* The most urgent wish among the build's own and those of all that needs it. */
static struct want want_of(const struct model *m, size_t i)
{
	struct want best = { 0 };

	for (size_t k = 0; k < BUILDS; k++)
		if (is_there(m, k) && reaches(m, k, i) && is_more_urgent(&m->builds[k].own, &best))
			best = m->builds[k].own;
	return best;
}

static uint32_t running_on(const struct model *m, uint32_t builder, enum sched_lane lane)
{
	uint32_t n = 0;

	for (size_t i = 0; i < BUILDS; i++)
		n += m->builds[i].state == SCHED_RUNNING && m->builds[i].builder == builder &&
		     m->builds[i].spec.lane == lane;
	return n;
}

/* The builder to start it on; BUILDERS: none is free. */
static uint32_t builder_for(const struct model *m, size_t i)
{
	const struct sched_build *build = &m->builds[i].spec;
	uint32_t best = BUILDERS;
	double best_load = 0;

	for (uint32_t b = 0; b < BUILDERS; b++) {
		const struct sched_builder *spec = &m->builders[b];
		uint32_t n = running_on(m, b, build->lane);
		double load = (n + 1) / spec->speed;

		if ((spec->systems & 1u << build->system) == 0 ||
			(build->features & ~spec->features) != 0 || n >= spec->slots[build->lane])
			continue;
		if (best == BUILDERS || load < best_load) {
			best = b;
			best_load = load;
		}
	}
	return best;
}

static bool may_start(const struct model *m, size_t i)
{
	const struct want want = want_of(m, i);

	return m->builds[i].state == SCHED_READY && m->builds[i].not_before_ms <= m->now_ms &&
	       want.jobs > 0 && !want.is_held && builder_for(m, i) != BUILDERS;
}

static bool goes_before(const struct model *m, size_t a, size_t b)
{
	const struct want x = want_of(m, a), y = want_of(m, b);

	if (m->builds[a].spec.class != m->builds[b].spec.class)
		return m->builds[a].spec.class == SCHED_NORMAL;
	if (is_more_urgent(&x, &y) || is_more_urgent(&y, &x))
		return is_more_urgent(&x, &y);
	return a < b;
}

/* The first that may start, `skip` aside; BUILDS: none. */
static size_t first_to_start(const struct model *m, size_t skip)
{
	size_t best = BUILDS;

	for (size_t i = 0; i < BUILDS; i++)
		if (i != skip && may_start(m, i) && (best == BUILDS || goes_before(m, i, best)))
			best = i;
	return best;
}

static int64_t next_time(const struct model *m)
{
	int64_t at = INT64_MAX;

	for (size_t i = 0; i < BUILDS; i++)
		if (m->builds[i].state == SCHED_READY && m->builds[i].not_before_ms > m->now_ms &&
			m->builds[i].not_before_ms < at)
			at = m->builds[i].not_before_ms;
	return at;
}

/* ---- both say the same ---- */

static void compare_build(const struct model *m, size_t i)
{
	int64_t id = (int64_t)i + 1;
	struct want want = want_of(m, i);
	const struct want *got;

	HOLDS(m, sched_state(m->s, id) == m->builds[i].state);
	HOLDS(m, sched_needs_left(m->s, id) == n_needs(m, i));
	HOLDS(m, sched_is_wanted(m->s, id) == (is_there(m, i) && want.jobs > 0));
	if (!sched_is_wanted(m->s, id))
		return;
	got = sched_want(m->s, id);
	HOLDS(m, !is_more_urgent(got, &want) && !is_more_urgent(&want, got));
}

/* Decide without batches: the model's first build, on its builder, and its second as runner-up. */
static void compare_decision(struct model *m, struct sched_decision *out)
{
	size_t first = first_to_start(m, BUILDS);

	sched_decide(m->s, m->now_ms, out);
	if (first == BUILDS) {
		HOLDS(m, out->n == 0);
		HOLDS(m, out->ask_again_ms == next_time(m));
		return;
	}
	HOLDS(m, out->n == 1);
	HOLDS(m, out->builds[0] == (int64_t)first + 1);
	HOLDS(m, out->builder == builder_for(m, first));
	HOLDS(m, out->lane == m->builds[first].spec.lane);
	first = first_to_start(m, first);
	HOLDS(m, out->runner_up == (first == BUILDS ? 0 : (int64_t)first + 1));
}

static void compare(struct model *m)
{
	struct sched_decision decision;
	size_t n = 0;

	for (size_t i = 0; i < BUILDS; i++) {
		n += is_there(m, i);
		compare_build(m, i);
	}
	HOLDS(m, sched_n(m->s) == n);
	for (uint32_t b = 0; b < BUILDERS; b++)
		for (int lane = 0; lane < SCHED_LANES; lane++)
			HOLDS(m, sched_running(m->s, b, (enum sched_lane)lane) ==
					 running_on(m, b, (enum sched_lane)lane));
	compare_decision(m, &decision);
}

/* ---- operations ---- */

static struct want draw_want(struct model *m)
{
	struct want want = { .jobs = draw(m, 3), .is_held = draw(m, 6) == 0 };

	want.priority = (int32_t)draw(m, 3) - 1;
	want.bumped_ms = draw(m, 4) == 0 ? 1 + draw(m, 3) : 0;
	want.submitted_ms = 1000 + draw(m, 5);
	return want;
}

static void op_add(struct model *m, size_t i)
{
	struct model_build *b = &m->builds[i];
	int64_t needs[BUILDS];
	size_t n = 0;

	if (is_there(m, i))
		return;
	memset(b, 0, sizeof *b);
	b->spec.id = (int64_t)i + 1;
	b->spec.lane = draw(m, 5) == 0 ? SCHED_FETCH : SCHED_BUILD;
	b->spec.class = draw(m, 8) == 0 ? SCHED_LEFTOVER : SCHED_NORMAL;
	b->spec.system = draw(m, 2);
	b->spec.features = draw(m, 4);
	for (unsigned k = draw(m, 4); k > 0; k--) {
		size_t need = draw(m, BUILDS);

		needs[n++] = (int64_t)need + 1;
		b->needs[need] = need != i && is_there(m, need);
	}
	sched_add(m->s, &b->spec, needs, n);
	b->state = n_needs(m, i) > 0 ? SCHED_BLOCKED : SCHED_OPEN;
}

static void op_want(struct model *m, size_t i)
{
	struct want want = draw_want(m);

	sched_set_want(m->s, (int64_t)i + 1, &want);
	if (is_there(m, i))
		m->builds[i].own = want;
}

static void op_ready(struct model *m, size_t i)
{
	if (m->builds[i].state != SCHED_OPEN)
		return;
	m->builds[i].not_before_ms = draw(m, 4) == 0 ? m->now_ms + draw(m, 30) : 0;
	m->builds[i].state = SCHED_READY;
	sched_set_ready(m->s, (int64_t)i + 1, m->builds[i].not_before_ms);
}

static void op_start(struct model *m, size_t unused)
{
	struct sched_decision decision;

	(void)unused;
	compare_decision(m, &decision);
	if (decision.n == 0)
		return;
	sched_started(m->s, &decision, m->now_ms);
	m->builds[decision.builds[0] - 1].state = SCHED_RUNNING;
	m->builds[decision.builds[0] - 1].builder = decision.builder;
}

static void on_open(void *owner, int64_t id)
{
	struct model *m = owner;

	HOLDS(m, m->builds[id - 1].state == SCHED_BLOCKED && n_needs(m, (size_t)id - 1) == 0);
	m->builds[id - 1].state = SCHED_OPEN;
}

static void op_built(struct model *m, size_t i)
{
	if (m->builds[i].state != SCHED_RUNNING)
		return;
	m->builds[i].state = SCHED_UNKNOWN;
	for (size_t k = 0; k < BUILDS; k++)
		m->builds[k].needs[i] = m->builds[i].needs[k] = false;
	sched_built(m->s, (int64_t)i + 1, on_open, m);
	for (size_t k = 0; k < BUILDS; k++)
		HOLDS(m, m->builds[k].state != SCHED_BLOCKED || n_needs(m, k) > 0);
}

static void op_requeue(struct model *m, size_t i)
{
	if (m->builds[i].state != SCHED_RUNNING && m->builds[i].state != SCHED_READY)
		return;
	m->builds[i].state = SCHED_OPEN;
	sched_requeue(m->s, (int64_t)i + 1);
}

static void op_remove(struct model *m, size_t i)
{
	bool leaves[BUILDS];

	for (size_t k = 0; k < BUILDS; k++)
		leaves[k] = is_there(m, i) && reaches(m, k, i);
	for (size_t k = 0; k < BUILDS; k++) {
		for (size_t j = 0; j < BUILDS; j++)
			m->builds[k].needs[j] = m->builds[k].needs[j] && !leaves[j] && !leaves[k];
		if (leaves[k])
			m->builds[k].state = SCHED_UNKNOWN;
	}
	sched_remove(m->s, (int64_t)i + 1);
}

static void op_need(struct model *m, size_t i)
{
	size_t need = draw(m, BUILDS);
	bool is_circle;

	if (!is_there(m, i) || m->builds[i].state == SCHED_RUNNING)
		return;
	is_circle = is_there(m, need) && reaches(m, need, i);
	HOLDS(m, sched_add_need(m->s, (int64_t)i + 1, (int64_t)need + 1) == !is_circle);
	if (is_circle || !is_there(m, need))
		return;
	m->builds[i].needs[need] = true;
	m->builds[i].state = SCHED_BLOCKED;
}

static void op_time(struct model *m, size_t unused)
{
	(void)unused;
	m->now_ms += draw(m, 20);
}

static void op_builders(struct model *m, size_t unused)
{
	static const char *const names[BUILDERS] = { "one", "two", "three" };

	(void)unused;
	for (size_t b = 0; b < BUILDERS; b++)
		m->builders[b] = (struct sched_builder){
			.name = names[b],
			.systems = draw(m, 4),
			.features = draw(m, 4),
			.slots = { draw(m, 3), draw(m, 2) },
			.speed = 1 + draw(m, 3),
		};
	sched_set_builders(m->s, m->builders, BUILDERS);
}

/* What ran is ready again; everything else is as it was. */
static void op_restart(struct model *m, size_t first)
{
	sched_destroy(m->s);
	m->s = sched_create();
	sched_set_builders(m->s, m->builders, BUILDERS);
	for (size_t k = 0; k < BUILDS; k++) {
		const struct model_build *b = &m->builds[(k + first) % BUILDS];

		if (b->state != SCHED_UNKNOWN)
			sched_add(m->s, &b->spec, NULL, 0);
	}
	for (size_t i = 0; i < BUILDS; i++)
		for (size_t k = 0; k < BUILDS; k++)
			if (m->builds[i].needs[k])
				sched_restore_need(m->s, (int64_t)i + 1, (int64_t)k + 1);
	for (size_t i = 0; i < BUILDS; i++) {
		struct model_build *b = &m->builds[i];

		if (b->state == SCHED_RUNNING) {
			b->state = SCHED_READY;
			b->not_before_ms = 0;
		}
		sched_set_want(m->s, (int64_t)i + 1, &b->own);
		if (b->state == SCHED_READY)
			sched_set_ready(m->s, (int64_t)i + 1, b->not_before_ms);
	}
}

static void run_seed(unsigned seed)
{
	/* How often each is drawn. */
	static const struct {
		void (*run)(struct model *m, size_t build);
		unsigned weight;
	} ops[] = { { op_add, 20 }, { op_want, 20 }, { op_ready, 20 }, { op_start, 14 },
		{ op_built, 12 }, { op_requeue, 3 }, { op_remove, 1 }, { op_need, 4 },
		{ op_time, 4 }, { op_builders, 1 }, { op_restart, 1 } };
	struct model m = { .random = 0x9E3779B97F4A7C15u * (seed + 1), .seed = seed };

	m.s = sched_create();
	op_builders(&m, 0);
	for (m.step = 0; m.step < STEPS; m.step++) {
		unsigned at = draw(&m, 100);
		size_t op = 0;

		while (at >= ops[op].weight)
			at -= ops[op++].weight;
		ops[op].run(&m, draw(&m, BUILDS));
		compare(&m);
	}
	sched_destroy(m.s);
}

static void it_decides_as_the_model_does(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++)
		run_seed(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_decides_as_the_model_does) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
