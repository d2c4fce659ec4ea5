/* What must hold whatever happens: on a farm that is played for days with random builds, the same
 * at every run. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/support/sched_case.h"

#define BUILDS 300
#define SLOTS 5
#define SEEDS 20

/* A farm, and what is known of its builds outside of the schedule. */
struct farm {
	struct sched *s;
	struct sched_build builds[BUILDS];
	int64_t needs[BUILDS][2];
	int64_t promises[BUILDS]; /* As they were made. */
	int64_t ends[BUILDS];     /* While it runs; else INT64_MAX. */
	int64_t now_ms;
	size_t n; /* That have come. */
	uint64_t random;
	struct str log; /* What started. */
	struct {
		double cost_ms;
		int64_t at_ms;
	} history[BUILDS]; /* What was built. */
	size_t n_built;
};

static unsigned draw(struct farm *f, unsigned n)
{
	f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(f->random >> 33) % n;
}

/* ---- builds come, start and end ---- */

static void add_build(struct farm *f, size_t i)
{
	sched_add(f->s, &f->builds[i], f->needs[i], 2);
}

static void come(struct farm *f)
{
	size_t i = f->n++;
	double cost_ms = (double)(draw(f, 8) == 0 ? 1 + draw(f, 9) : 0) * HOUR +
			 (double)(1 + draw(f, 25)) * MINUTE;
	struct sched_want want = sched_case_want(f->now_ms);

	f->builds[i] = sched_case_build((int64_t)i + 1, cost_ms);
	f->builds[i].cost_sigma = draw(f, 2) == 0 ? 0.1 : 0.8;
	for (int k = 0; k < 2 && i > 0; k++)
		f->needs[i][k] = draw(f, 3) == 0 ? 1 + draw(f, (unsigned)i) : 0;
	f->ends[i] = INT64_MAX;
	want.jobs = draw(f, 5) > 0;
	want.weight = 1 + draw(f, 2);
	want.submitter = draw(f, 3);
	want.is_leftover = draw(f, 9) == 0;
	want.start_by_ms = SCHED_PROMISE_NOW;
	add_build(f, i);
	sched_set_want(f->s, (int64_t)i + 1, &want, f->now_ms);
	sched_want(f->s, (int64_t)i + 1, &want);
	f->promises[i] = want.start_by_ms;
	if (sched_state(f->s, (int64_t)i + 1) == SCHED_OPEN)
		sched_set_ready(f->s, (int64_t)i + 1, 0);
}

static bool may_wait(const struct farm *f, size_t i, enum sched_why_rule *rule)
{
	struct sched_why why;

	if (sched_state(f->s, (int64_t)i + 1) != SCHED_READY)
		return true;
	sched_why(f->s, (int64_t)i + 1, f->now_ms, &why);
	*rule = why.rule;
	return why.rule == SCHED_WHY_RESERVE || why.rule == SCHED_WHY_HELD;
}

/* No ready build waits while a slot is free, unless the reserve says so. */
static void check_nothing_waits(const struct farm *f)
{
	enum sched_why_rule rule = 0;

	if (sched_running(f->s, 0, SCHED_BUILD) == SLOTS)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (!may_wait(f, i, &rule))
			fail_msg("build %zu waits beside a free slot: %d", i + 1, rule);
}

/* When another starts in order, what is overdue is held by the lane or the reserve. */
static void check_promises(const struct farm *f, const struct sched_decision *d)
{
	for (size_t i = 0; i < f->n && d->rule >= SCHED_RULE_SCORE; i++) {
		enum sched_why_rule rule = SCHED_WHY_LANE;

		if (!may_wait(f, i, &rule) && f->promises[i] <= f->now_ms && f->promises[i] != 0 &&
			rule != SCHED_WHY_LANE && (int64_t)i + 1 != d->builds[0])
			fail_msg("build %zu is overdue, and %" PRId64 " starts: %d", i + 1,
				d->builds[0], rule);
	}
}

static void start(struct farm *f, bool checks)
{
	struct sched_decision d;

	for (;;) {
		sched_decide(f->s, f->now_ms, &d);
		if (checks && d.n > 0)
			check_promises(f, &d);
		if (d.n == 0)
			break;
		sched_started(f->s, &d, f->now_ms);
		str_addf(&f->log, "%" PRId64 " %s %" PRId64 "\n", d.builds[0],
			sched_rule_name(d.rule), d.runner_up);
		f->ends[d.builds[0] - 1] =
			f->now_ms + (int64_t)(f->builds[d.builds[0] - 1].cost_ms *
					      (0.5 + (double)(d.builds[0] * 7919 % 100) / 50));
	}
	if (checks)
		check_nothing_waits(f);
}

/* To the next end before `until_ms`; false: there is none. */
static bool end_one(struct farm *f, int64_t until_ms)
{
	size_t first = 0;

	for (size_t i = 1; i < f->n; i++)
		if (f->ends[i] < f->ends[first])
			first = i;
	if (f->n == 0 || f->ends[first] > until_ms)
		return false;
	f->now_ms = f->ends[first];
	f->ends[first] = INT64_MAX;
	sched_case_built(f->s, (int64_t)first + 1, f->now_ms);
	sched_learn(f->s, f->builds[first].cost_ms, f->now_ms);
	f->history[f->n_built].cost_ms = f->builds[first].cost_ms;
	f->history[f->n_built++].at_ms = f->now_ms;
	return true;
}

static void run(struct farm *f, int64_t until_ms, bool checks)
{
	start(f, checks);
	while (end_one(f, until_ms))
		start(f, checks);
	f->now_ms = until_ms;
}

static void begin(struct farm *f, unsigned seed)
{
	struct sched_policy policy = SCHED_POLICY_DEFAULT;

	memset(f, 0, sizeof *f);
	f->random = seed;
	f->s = sched_case_begin(SLOTS, 0);
	policy.promise_grace_ms = 2 * HOUR; /* So that many are overdue. */
	sched_set_policy(f->s, &policy);
}

static void finish(struct farm *f)
{
	sched_destroy(f->s);
	str_free(&f->log);
}

/* ---- the rules ---- */

static void nobody_waits_without_a_rule_and_all_are_built(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct farm *f = xcalloc(1, sizeof *f);

		begin(f, seed);
		while (f->n < BUILDS) {
			come(f);
			run(f, f->now_ms + draw(f, 12) * MINUTE, true);
		}
		run(f, f->now_ms + 1000 * HOUR, true);
		for (size_t i = 0; i < f->n; i++)
			assert_false(sched_is_wanted(f->s, (int64_t)i + 1));
		finish(f);
		free(f);
	}
}

/* What is needed by something promised is itself: never later than that, less what it costs. */
static void a_promise_is_never_forgotten(void **state)
{
	struct farm *f = xcalloc(1, sizeof *f);

	(void)state;
	begin(f, 77);
	while (f->n < BUILDS) {
		come(f);
		run(f, f->now_ms + draw(f, 12) * MINUTE, false);
		for (size_t i = 0; i < f->n; i++) {
			struct sched_why why;

			if (sched_state(f->s, (int64_t)i + 1) == SCHED_UNKNOWN ||
				f->promises[i] == 0)
				continue;
			sched_why(f->s, (int64_t)i + 1, f->now_ms, &why);
			assert_true(why.start_by_ms <= f->promises[i]);
		}
	}
	finish(f);
	free(f);
}

/* Equal builds, and others, in many orders. */
static void no_order_depends_on_who_came_first(void **state)
{
	cleanup_free char *first = NULL;

	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct sched *s = sched_case_begin(40, 0);
		struct farm f = { .random = seed };
		int64_t order[40];
		cleanup_free char *got = NULL;

		for (int64_t i = 0; i < 40; i++) {
			size_t at = draw(&f, (unsigned)i + 1);

			order[i] = order[at];
			order[at] = i + 1;
		}
		for (size_t i = 0; i < 40; i++) {
			struct sched_build build =
				sched_case_build(order[i], (double)(1 + order[i] % 3) * HOUR);
			struct sched_want want = sched_case_want(order[i] % 2);

			want.submitter = (uint32_t)order[i] % 4;
			want.is_leftover = order[i] % 5 == 0;
			want.bumped_ms = order[i] % 7 == 0;
			want.start_by_ms = order[i] % 6 == 0 ? -1 : SOME_DAY;
			sched_case_put(s, &build, &want, NULL);
		}
		got = sched_case_start_all(s, HOUR);
		if (first == NULL)
			first = xstrdup(got);
		assert_string_equal(got, first);
		sched_destroy(s);
	}
}

/* ---- twins ---- */

/* What ran is to be run again. */
static void stop_all(struct farm *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (sched_state(f->s, (int64_t)i + 1) != SCHED_RUNNING)
			continue;
		sched_requeue(f->s, (int64_t)i + 1, f->now_ms);
		sched_set_ready(f->s, (int64_t)i + 1, 0);
		f->ends[i] = INT64_MAX;
	}
}

/* Another schedule that was told only what is kept over a restart. */
static struct sched *again(const struct farm *f)
{
	struct sched *s = sched_case_begin(SLOTS, 0);
	struct sched_policy policy = SCHED_POLICY_DEFAULT;

	policy.promise_grace_ms = 2 * HOUR;
	sched_set_policy(s, &policy);
	for (size_t i = 0; i < f->n_built; i++)
		sched_learn(s, f->history[i].cost_ms, f->history[i].at_ms);
	for (uint32_t k = 0; k < 3; k++)
		sched_set_usage(s, k, sched_usage(f->s, k, f->now_ms), f->now_ms);
	for (size_t i = f->n; i-- > 0;)
		if (sched_state(f->s, (int64_t)i + 1) != SCHED_UNKNOWN)
			sched_add(s, &f->builds[i], NULL, 0);
	for (size_t i = 0; i < f->n; i++) {
		struct sched_want want;

		if (sched_state(f->s, (int64_t)i + 1) == SCHED_UNKNOWN)
			continue;
		for (int k = 0; k < 2; k++)
			sched_restore_need(s, (int64_t)i + 1, f->needs[i][k]);
		sched_want(f->s, (int64_t)i + 1, &want);
		sched_set_want(s, (int64_t)i + 1, &want, f->now_ms);
		if (sched_state(s, (int64_t)i + 1) == SCHED_OPEN)
			sched_set_ready(s, (int64_t)i + 1, 0);
	}
	return s;
}

/* The twin goes on as the original does. */
static void go_on(struct farm *f, struct sched *twin)
{
	struct farm *other = xmemdup(f, sizeof *f);

	str_free(&f->log);
	other->s = twin;
	memset(&other->log, 0, sizeof other->log);
	while (f->n < BUILDS) {
		int64_t until_ms = f->now_ms + 7 * MINUTE;

		come(f);
		come(other);
		run(f, until_ms, false);
		run(other, until_ms, false);
	}
	run(f, f->now_ms + 1000 * HOUR, false);
	run(other, other->now_ms + 1000 * HOUR, false);
	assert_string_equal(str_text(&f->log), str_text(&other->log));
	assert_true(f->log.len > 0);
	finish(other);
	free(other);
}

static void begin_and_run(struct farm *f, unsigned seed)
{
	begin(f, seed);
	while (f->n < BUILDS / 2) {
		come(f);
		run(f, f->now_ms + draw(f, 6) * MINUTE, false);
	}
}

static void a_copy_goes_on_as_the_original(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct farm *f = xcalloc(1, sizeof *f);

		begin_and_run(f, seed);
		go_on(f, sched_copy(f->s));
		finish(f);
		free(f);
	}
}

static void a_restart_goes_on_as_if_there_had_been_none(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct farm *f = xcalloc(1, sizeof *f);
		begin_and_run(f, seed);
		stop_all(f);
		go_on(f, again(f));
		finish(f);
		free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_without_a_rule_and_all_are_built),
		cmocka_unit_test(a_promise_is_never_forgotten),
		cmocka_unit_test(no_order_depends_on_who_came_first),
		cmocka_unit_test(a_copy_goes_on_as_the_original),
		cmocka_unit_test(a_restart_goes_on_as_if_there_had_been_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
