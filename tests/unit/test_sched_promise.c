/* Promises and the reserve: when a build is to start at the latest, and which slots it may take. */
#include "tests/support/cmocka_all.h"

#include <math.h>

#include "lib/mem.h"
#include "sched/estimate.h"
#include "sched/score.h"
#include "tests/support/sched_case.h"

static struct sched *begin(uint32_t slots, double grace_ms, double factor)
{
	struct sched *s = sched_case_begin(slots, 9);
	struct sched_policy policy = SCHED_POLICY_DEFAULT;

	policy.promise_grace_ms = (int64_t)grace_ms;
	policy.promise_factor = factor;
	sched_set_policy(s, &policy);
	return s;
}

static void put_of_weight(
	struct sched *s, int64_t id, double cost_ms, int64_t start_by_ms, double weight)
{
	struct sched_build build = sched_case_build(id, cost_ms);
	struct sched_want want = sched_case_want(0);

	want.start_by_ms = start_by_ms;
	want.weight = weight;
	sched_case_put(s, &build, &want, NULL);
}

static void put(struct sched *s, int64_t id, double cost_ms, int64_t start_by_ms)
{
	put_of_weight(s, id, cost_ms, start_by_ms, 1);
}

static int64_t promise_of(const struct sched *s, int64_t id)
{
	struct sched_want want;

	sched_want(s, id, &want);
	return want.start_by_ms;
}

/* How many of those that may start do. */
static size_t count_starts(struct sched *s, int64_t now_ms, enum sched_rule rule)
{
	struct sched_decision decision;
	size_t n = 0;

	for (;;) {
		sched_decide(s, now_ms, &decision);
		if (decision.n == 0)
			return n;
		n += decision.rule == rule;
		sched_started(s, &decision, now_ms);
	}
}

/* ---- promises ---- */

static void a_promise_is_grace_and_backlog(void **state)
{
	struct sched *s = begin(4, 5 * HOUR, 2);

	(void)state;
	put(s, 1, HOUR, SCHED_PROMISE_NOW);
	assert_int_equal(promise_of(s, 1), 5 * HOUR);
	put(s, 2, 3 * HOUR, SCHED_PROMISE_NOW); /* Behind one hour on four slots. */
	assert_int_equal(promise_of(s, 2), 5 * HOUR + HOUR / 2);
	put(s, 3, HOUR, SCHED_PROMISE_NOW);
	assert_int_equal(promise_of(s, 3), 5 * HOUR + 2 * HOUR);
	sched_remove(s, 2, 0);
	put(s, 4, HOUR, SCHED_PROMISE_NOW);
	assert_int_equal(promise_of(s, 4), 5 * HOUR + HOUR);
	sched_destroy(s);
}

/* Of what runs there is left what its estimate says, or a tenth of that when it takes longer. */
static void what_runs_is_backlog_by_what_is_left_of_it(void **state)
{
	static const struct {
		int64_t now_ms, left_ms;
	} cases[] = {
		{ 90 * MINUTE, 30 * MINUTE },
		{ 119 * MINUTE, 12 * MINUTE },
		{ 300 * MINUTE, 12 * MINUTE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched_build build = sched_case_build(1, 2 * HOUR);
		struct sched_want want = sched_case_want(0);
		struct sched *s = begin(1, HOUR, 1);

		sched_case_put(s, &build, &want, NULL);
		sched_case_start(s, 1, SCHED_RULE_SCORE, 0);
		build.id = 2;
		want = sched_case_want(cases[i].now_ms);
		want.start_by_ms = SCHED_PROMISE_NOW;
		sched_case_put(s, &build, &want, NULL);
		assert_int_equal(promise_of(s, 2), cases[i].now_ms + HOUR + cases[i].left_ms);
		sched_destroy(s);
	}
}

static void who_does_not_wait_for_a_slot_is_no_backlog(void **state)
{
	struct sched *s = begin(1, HOUR, 1);
	struct sched_want held = sched_case_want(0);
	struct sched_build fetch = sched_case_build(2, HOUR);

	(void)state;
	put(s, 1, HOUR, SOME_DAY);
	held.is_held = true;
	sched_set_want(s, 1, &held, 0);
	fetch.lane = SCHED_FETCH;
	held.is_held = false;
	sched_case_put(s, &fetch, &held, NULL);
	put(s, 3, HOUR, SCHED_PROMISE_NOW);
	assert_int_equal(promise_of(s, 3), HOUR);
	sched_destroy(s);
}

static void without_slots_it_is_as_with_one(void **state)
{
	struct sched *s = begin(0, HOUR, 2);

	(void)state;
	put(s, 1, HOUR, SCHED_PROMISE_NOW);
	put(s, 2, HOUR, SCHED_PROMISE_NOW);
	assert_int_equal(promise_of(s, 2), 3 * HOUR);
	sched_destroy(s);
}

static void a_promise_is_kept_as_it_was_made(void **state)
{
	struct sched *s = begin(1, HOUR, 1);
	struct sched_want again = sched_case_want(0);

	(void)state;
	put(s, 1, HOUR, SCHED_PROMISE_NOW);
	put(s, 2, HOUR, SCHED_PROMISE_NOW);
	again.start_by_ms = SCHED_PROMISE_NOW;
	again.weight = 5;
	again.is_held = true;
	sched_set_want(s, 2, &again, 7 * HOUR);
	assert_int_equal(promise_of(s, 2), 2 * HOUR);
	again.is_held = false;
	sched_set_want(s, 2, &again, 9 * HOUR);
	assert_int_equal(promise_of(s, 2), 2 * HOUR);
	again.start_by_ms = 77; /* What was kept over a restart. */
	sched_set_want(s, 2, &again, 9 * HOUR);
	assert_int_equal(promise_of(s, 2), 77);
	sched_destroy(s);
}

/* 1 has the best score; of those that are overdue it is the most overdue that starts. */
static void the_most_overdue_starts(void **state)
{
	struct sched *s = begin(1, 0, 0);
	struct sched_decision decision;

	(void)state;
	put(s, 1, MINUTE, 9 * HOUR);
	put(s, 2, 20 * MINUTE, 6 * HOUR);
	put(s, 3, 22 * MINUTE, 5 * HOUR);
	put(s, 4, 24 * MINUTE, 7 * HOUR);
	sched_decide(s, 5 * HOUR - 1, &decision);
	assert_int_equal(decision.rule, SCHED_RULE_SCORE);
	assert_int_equal(decision.builds[0], 1);
	sched_decide(s, 5 * HOUR, &decision);
	assert_int_equal(decision.rule, SCHED_RULE_PROMISE);
	assert_int_equal(decision.builds[0], 3);
	assert_int_equal(decision.start_by_ms, 5 * HOUR);
	assert_int_equal(decision.runner_up, 1);
	sched_decide(s, 6 * HOUR, &decision);
	assert_int_equal(decision.builds[0], 3);
	assert_int_equal(decision.runner_up, 2); /* It is overdue as well. */
	sched_destroy(s);
}

/* Not the one that came first; and 4 has the highest, once it has aged. */
static void of_equally_overdue_ones_the_score_decides(void **state)
{
	struct sched *s = begin(1, 0, 0);
	struct sched_build old = sched_case_build(4, 2 * HOUR);
	struct sched_want want = sched_case_want(-300 * HOUR);

	(void)state;
	put(s, 1, 9 * HOUR, -7);
	put(s, 2, 20 * MINUTE, -7);
	put(s, 3, 10 * MINUTE, -7);
	sched_case_assert_starts(s, 0, "3");
	want.start_by_ms = -7;
	sched_case_put(s, &old, &want, NULL);
	sched_case_built(s, 3, 0);
	sched_case_assert_starts(s, 0, "4");
	sched_case_built(s, 4, 0);
	sched_case_assert_starts(s, 0, "2");
	sched_case_built(s, 2, 0);
	sched_case_assert_starts(s, 0, "1");
	sched_destroy(s);
}

/* A cost from nowhere makes no promise that is before now, or after the end of time. */
static void what_costs_more_than_ten_years_counts_as_that(void **state)
{
	static const double costs[] = { 1e30, INFINITY, NAN, -1e30 };
	struct sched *s = begin(1, HOUR, 1);
	int64_t backlog_ms = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(costs); i++) {
		int64_t id = (int64_t)i + 1;

		put(s, id, costs[i], SOME_DAY);
		sched_set_cost(s, id, costs[i], 0.1);
		backlog_ms += i < 2 ? (int64_t)(float)SCHED_COST_MAX_MS : 1;
	}
	put(s, 9, MINUTE, SCHED_PROMISE_NOW);
	assert_int_equal(promise_of(s, 9), HOUR + backlog_ms);
	sched_destroy(s);
}

static void a_bump_goes_before_a_promise(void **state)
{
	struct sched *s = begin(1, 0, 0);
	struct sched_want want = sched_case_want(0);

	(void)state;
	put(s, 1, MINUTE, -1);
	sched_case_add_ready(s, 2);
	want.bumped_ms = 1;
	sched_set_want(s, 2, &want, 0);
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

static void a_part_of_the_slots_may_serve_promises(void **state)
{
	static const struct {
		uint32_t slots;
		double part;
		size_t lane;
	} cases[] = { { 1, 0.25, 1 }, { 4, 0.25, 1 }, { 7, 0.25, 1 }, { 8, 0.25, 2 },
		{ 16, 0.25, 4 }, { 4, 0, 1 }, { 4, 1, 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_case_begin(cases[i].slots, 0);
		struct sched_policy policy = SCHED_POLICY_DEFAULT;

		policy.promise_slots = cases[i].part;
		sched_set_policy(s, &policy);
		for (int64_t id = 1; id <= 20; id++)
			put(s, id, MINUTE, -1);
		assert_int_equal(count_starts(s, 0, SCHED_RULE_PROMISE), cases[i].lane);
		sched_destroy(s);
	}
}

static void a_slot_for_promises_serves_the_next(void **state)
{
	struct sched *s = begin(2, 0, 0);
	struct sched_decision decision;

	(void)state;
	put(s, 1, 20 * MINUTE, -9);
	put(s, 2, 20 * MINUTE, -8);
	put(s, 3, MINUTE, SOME_DAY);
	put(s, 4, MINUTE, SOME_DAY);
	sched_case_assert_starts(s, 0, "1 3");
	sched_case_built(s, 3, MINUTE);
	sched_case_assert_starts(s, MINUTE, "4"); /* 1 has the one for promises. */
	sched_case_built(s, 1, 20 * MINUTE);
	sched_decide(s, 20 * MINUTE, &decision);
	assert_int_equal(decision.builds[0], 2);
	assert_int_equal(decision.rule, SCHED_RULE_PROMISE);
	sched_destroy(s);
}

static void a_promise_obeys_the_reserve(void **state)
{
	struct sched *s = sched_case_begin(3, 0);
	struct sched_policy policy = SCHED_POLICY_DEFAULT;
	struct sched_want first = sched_case_want(0);

	(void)state;
	policy.promise_slots = 1;
	sched_set_policy(s, &policy);
	for (int64_t id = 1; id <= 4; id++)
		put(s, id, 9 * HOUR, -id);
	sched_case_assert_starts(s, 0, "4 3");
	first.bumped_ms = 1; /* What somebody put first does not. */
	sched_set_want(s, 1, &first, 0);
	sched_case_assert_starts(s, 0, "1");
	sched_destroy(s);
}

static void a_leftover_has_a_promise_too(void **state)
{
	struct sched *s = begin(1, 0, 0);
	struct sched_want want = sched_case_want(0);
	struct sched_build build = sched_case_build(1, 25 * MINUTE);

	(void)state;
	want.is_leftover = true;
	want.start_by_ms = HOUR;
	sched_case_put(s, &build, &want, NULL);
	put(s, 2, MINUTE, SOME_DAY);
	put(s, 3, MINUTE, SOME_DAY);
	sched_case_assert_starts(s, 0, "2");
	sched_case_built(s, 2, HOUR);
	sched_case_assert_starts(s, HOUR, "1");
	sched_destroy(s);
}

static void fetches_are_not_promised(void **state)
{
	struct sched *s = sched_case_begin(0, 1);
	struct sched_build fetch = sched_case_build(1, MINUTE);
	struct sched_want want = sched_case_want(0);
	struct sched_decision decision;

	(void)state;
	fetch.lane = SCHED_FETCH;
	want.start_by_ms = -1;
	sched_case_put(s, &fetch, &want, NULL);
	sched_decide(s, 0, &decision);
	assert_int_equal(decision.rule, SCHED_RULE_SCORE);
	sched_destroy(s);
}

/* ---- the reserve ---- */

static void one_slot_in_eight_is_free_of_long_builds(void **state)
{
	static const struct {
		uint32_t slots;
		double reserve;
		size_t n_long;
	} cases[] = { { 1, 0.125, 1 }, { 2, 0.125, 2 }, { 3, 0.125, 2 }, { 4, 0.125, 3 },
		{ 8, 0.125, 7 }, { 15, 0.125, 14 }, { 16, 0.125, 14 }, { 17, 0.125, 15 },
		{ 24, 0.125, 21 }, { 8, 0.5, 4 }, { 8, 0, 8 }, { 3, 0, 3 }, { 2, 0.5, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_case_begin(cases[i].slots, 0);
		struct sched_policy policy = SCHED_POLICY_DEFAULT;

		policy.reserve = cases[i].reserve;
		sched_set_policy(s, &policy);
		for (int64_t id = 1; id <= 30; id++)
			put(s, id, 9 * HOUR, SOME_DAY);
		assert_int_equal(count_starts(s, 0, SCHED_RULE_SCORE), cases[i].n_long);
		for (int64_t id = 101; id <= 130; id++)
			put(s, id, MINUTE, SOME_DAY);
		assert_int_equal(
			count_starts(s, 0, SCHED_RULE_SCORE), cases[i].slots - cases[i].n_long);
		sched_destroy(s);
	}
}

/* It is long when its upper quartile is. */
static void long_is_what_may_take_long(void **state)
{
	static const double sigmas[] = { 0.1, 0.5, 1.5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sigmas); i++) {
		double edge_ms = LONG_MIN_MS / exp(LONG_SIGMAS * sigmas[i]);

		for (int is_long = 0; is_long < 2; is_long++) {
			struct sched *s = sched_case_begin(3, 0);
			struct sched_build build =
				sched_case_build(0, edge_ms * (is_long ? 1.01 : 0.99));
			struct sched_want want = sched_case_want(0);

			build.cost_sigma = sigmas[i];
			for (build.id = 1; build.id <= 3; build.id++)
				sched_case_put(s, &build, &want, NULL);
			sched_case_assert_starts(s, 0, is_long ? "1 2" : "1 2 3");
			sched_destroy(s);
		}
	}
}

/* A run that was thought to be short counts as long when it has overrun, in its builder's time. */
static void what_overruns_is_long(void **state)
{
	static const double speeds[] = { 1, 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
		struct sched *s = sched_case_begin(3, 0);
		struct sched_builder local = {
			.name = "local", .systems = 1, .slots = { 3 }, .speed = speeds[i]
		};
		double over_ms = LONG_OVERRUN * LONG_MIN_MS / speeds[i];
		struct sched_decision not_yet;

		sched_set_builders(s, &local, 1);
		put(s, 1, 20 * MINUTE, SOME_DAY);
		put(s, 2, 20 * MINUTE, SOME_DAY);
		sched_case_assert_starts(s, 0, "1 2");
		put(s, 3, 9 * HOUR, SOME_DAY);
		sched_decide(s, (int64_t)over_ms - 1, &not_yet);
		assert_int_equal(not_yet.n, 1);
		sched_case_assert_starts(s, (int64_t)over_ms + 1, "");
		sched_case_built(s, 1, (int64_t)over_ms + 1);
		put(s, 4, 9 * HOUR, SOME_DAY);
		sched_case_assert_starts(s, (int64_t)over_ms + 1, "3");
		sched_destroy(s);
	}
}

/* What does not fit the builders that a build may use takes nothing from it. */
static void the_reserve_is_of_the_slots_that_fit(void **state)
{
	struct sched *s = sched_case_begin(0, 0);
	struct sched_builder two[] = {
		{ .name = "x86", .systems = 1, .slots = { 3 }, .speed = 1 },
		{ .name = "arm", .systems = 2, .slots = { 3 }, .speed = 1 },
	};

	(void)state;
	sched_set_builders(s, two, 2);
	for (int64_t id = 1; id <= 6; id++) {
		struct sched_build build = sched_case_build(id, 9 * HOUR);
		struct sched_want want = sched_case_want(0);

		build.system = id % 2 == 0 ? 0 : 1;
		sched_case_put(s, &build, &want, NULL);
	}
	sched_case_assert_starts(s, 0, "1@arm 2@x86 3@arm 4@x86");
	sched_destroy(s);
}

/* ---- what is long ---- */

/* Half of the work is in builds longer than that; no better than a quarter of an octave. */
static void long_is_the_work_weighted_median(void **state)
{
	static const struct {
		double costs_h[4];
		double median_h;
	} cases[] = { { { 1, 1, 1 }, 1 }, { { 1, 1, 1, 4 }, 4 }, { { 3, 1, 1, 2 }, 2 },
		{ { 0.01, 0.01, 0.01 }, 0 }, { { 100, 1, 1, 1 }, 100 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_create();
		double long_ms, wanted_ms = cases[i].median_h * HOUR_MS;

		assert_true(sched_long_ms(s) == LONG_MIN_MS);
		for (int k = 0; k < 4 && cases[i].costs_h[k] > 0; k++)
			sched_learn(s, cases[i].costs_h[k] * HOUR_MS, 0);
		long_ms = sched_long_ms(s);
		if (wanted_ms == 0)
			assert_true(long_ms == LONG_MIN_MS);
		else
			assert_true(long_ms >= wanted_ms && long_ms <= wanted_ms * exp2(0.25));
		sched_destroy(s);
	}
}

static void what_was_built_long_ago_counts_less(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	sched_learn(s, 8 * HOUR_MS, 0);
	sched_learn(s, HOUR_MS, (int64_t)LONG_DECAY_MS);
	assert_true(sched_long_ms(s) >= 8 * HOUR_MS); /* 8/e h of work against 1. */
	sched_learn(s, HOUR_MS, 3 * (int64_t)LONG_DECAY_MS);
	assert_true(sched_long_ms(s) < 2 * HOUR_MS);   /* 0.4 against 1.1. */
	sched_learn(s, 0, 3 * (int64_t)LONG_DECAY_MS); /* Teaches nothing. */
	assert_true(sched_long_ms(s) < 2 * HOUR_MS);
	sched_destroy(s);
}

/* The past is learnt first, and lies before the schedule's time 0. */
static void the_past_before_the_beginning_fades_too(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	for (int i = 0; i < 10; i++)
		sched_learn(s, 8 * HOUR_MS, -10 * (int64_t)LONG_DECAY_MS + i);
	for (int i = 0; i < 10; i++)
		sched_learn(s, HOUR_MS, i - 10);
	assert_true(sched_long_ms(s) < 2 * HOUR_MS);
	sched_destroy(s);
}

/* Once the clock was ten years ahead: what is built when it is right again counts all the same. */
static void a_clock_that_was_ahead_stops_no_learning(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	sched_learn(s, 8 * HOUR_MS, 520 * (int64_t)LONG_DECAY_MS);
	for (int i = 0; i < 10; i++)
		sched_learn(s, HOUR_MS, i);
	assert_true(sched_long_ms(s) < 2 * HOUR_MS);
	sched_destroy(s);
}

/* What waits is long or not by what is known when its turn comes. */
static void what_is_long_changes_for_those_that_wait(void **state)
{
	struct sched *s = sched_case_begin(3, 0);

	(void)state;
	put(s, 1, 9 * HOUR, SOME_DAY);
	put(s, 2, 9 * HOUR, SOME_DAY);
	put(s, 3, 3 * HOUR, SOME_DAY);
	put(s, 4, 4 * HOUR, SOME_DAY);
	put(s, 5, 4 * HOUR, SOME_DAY);
	sched_case_start(s, 1, SCHED_RULE_SCORE, 0);
	sched_case_start(s, 2, SCHED_RULE_SCORE, 0);
	sched_case_assert_starts(s, 0, "");
	for (int i = 0; i < 9; i++) /* Up: 3 and 4 are not long any more. */
		sched_learn(s, 6 * HOUR_MS, 0);
	sched_case_assert_starts(s, 0, "3");
	for (int i = 0; i < 9; i++) /* And down: they are. */
		sched_learn(s, 2 * HOUR_MS, 9 * (int64_t)LONG_DECAY_MS);
	sched_case_built(s, 3, 9 * (int64_t)LONG_DECAY_MS);
	sched_case_assert_starts(s, 9 * (int64_t)LONG_DECAY_MS, "");
	sched_case_built(s, 1, 9 * (int64_t)LONG_DECAY_MS);
	sched_case_assert_starts(s, 9 * (int64_t)LONG_DECAY_MS, "4");
	sched_destroy(s);
}

/* 2 and 4 have become long, and were not when they came; 3, which is not, has the first promise and
 * the last score. 2 may start, and then 4 may not, though it still stands among the short. */
static void what_has_become_long_is_found_where_it_belongs(void **state)
{
	struct sched *s = sched_case_begin(3, 0);

	(void)state;
	put(s, 1, 9 * HOUR, SOME_DAY);
	for (int i = 0; i < 9; i++)
		sched_learn(s, 6 * HOUR_MS, 0);
	put(s, 2, 3 * HOUR, SOME_DAY);
	put(s, 4, 4 * HOUR, SOME_DAY);
	put_of_weight(s, 3, HOUR, SOME_DAY - 1, 1e-6);
	sched_case_start(s, 1, SCHED_RULE_SCORE, 0);
	for (int i = 0; i < 9; i++)
		sched_learn(s, 2 * HOUR_MS, 9 * (int64_t)LONG_DECAY_MS);
	sched_case_assert_starts(s, 9 * (int64_t)LONG_DECAY_MS, "2 3");
	sched_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_promise_is_grace_and_backlog),
		cmocka_unit_test(what_runs_is_backlog_by_what_is_left_of_it),
		cmocka_unit_test(who_does_not_wait_for_a_slot_is_no_backlog),
		cmocka_unit_test(without_slots_it_is_as_with_one),
		cmocka_unit_test(a_promise_is_kept_as_it_was_made),
		cmocka_unit_test(the_most_overdue_starts),
		cmocka_unit_test(of_equally_overdue_ones_the_score_decides),
		cmocka_unit_test(what_costs_more_than_ten_years_counts_as_that),
		cmocka_unit_test(a_bump_goes_before_a_promise),
		cmocka_unit_test(a_part_of_the_slots_may_serve_promises),
		cmocka_unit_test(a_slot_for_promises_serves_the_next),
		cmocka_unit_test(a_promise_obeys_the_reserve),
		cmocka_unit_test(a_leftover_has_a_promise_too),
		cmocka_unit_test(fetches_are_not_promised),
		cmocka_unit_test(one_slot_in_eight_is_free_of_long_builds),
		cmocka_unit_test(long_is_what_may_take_long),
		cmocka_unit_test(what_overruns_is_long),
		cmocka_unit_test(the_reserve_is_of_the_slots_that_fit),
		cmocka_unit_test(long_is_the_work_weighted_median),
		cmocka_unit_test(what_was_built_long_ago_counts_less),
		cmocka_unit_test(the_past_before_the_beginning_fades_too),
		cmocka_unit_test(a_clock_that_was_ahead_stops_no_learning),
		cmocka_unit_test(what_is_long_changes_for_those_that_wait),
		cmocka_unit_test(what_has_become_long_is_found_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
