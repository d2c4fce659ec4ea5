/* Why a build waits: every rule, with its numbers. */
#include "tests/support/cmocka_all.h"

#include <math.h>

#include "lib/mem.h"
#include "sched/score.h"
#include "tests/support/sched_case.h"

static struct sched_why why(const struct sched *s, int64_t build, int64_t now_ms)
{
	struct sched_why out;

	sched_why(s, build, now_ms, &out);
	return out;
}

static void assert_about(int64_t got_ms, int64_t wanted_ms)
{
	if (got_ms < wanted_ms - SECOND || got_ms > wanted_ms + SECOND)
		fail_msg("%ld, not %ld", (long)got_ms, (long)wanted_ms);
}

static void put(struct sched *s, int64_t id, double cost_ms, int64_t start_by_ms)
{
	struct sched_build build = sched_case_build(id, cost_ms);
	struct sched_want want = sched_case_want(0);

	want.start_by_ms = start_by_ms;
	sched_case_put(s, &build, &want, NULL);
}

static void it_needs_others(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_why w;

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NULL);
	sched_case_add(s, 3, NEEDS(1, 2));
	w = why(s, 3, 0);
	assert_int_equal(w.rule, SCHED_WHY_NEEDS);
	assert_int_equal(w.n, 2);
	assert_true(w.other == 1 || w.other == 2);
	sched_set_ready(s, 1, 0);
	sched_case_built(s, 1, 0);
	w = why(s, 3, 0);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.other, 2);
	sched_destroy(s);
}

static void its_user_is_at_it(void **state)
{
	struct sched *s = sched_case_begin(1, 0);

	(void)state;
	sched_case_add(s, 1, NULL);
	assert_int_equal(why(s, 1, 0).rule, SCHED_WHY_INPUTS);
	sched_set_ready(s, 1, 900);
	assert_int_equal(why(s, 1, 899).rule, SCHED_WHY_LATER);
	assert_int_equal(why(s, 1, 899).until_ms, 900);
	assert_int_equal(why(s, 1, 900).rule, SCHED_WHY_NEXT);
	sched_destroy(s);
}

static void on_hold_or_wanted_by_nobody(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want held = sched_case_want(0), nobody = { 0 };

	(void)state;
	held.is_held = true;
	sched_case_add_ready(s, 1);
	sched_set_want(s, 1, &held, 0);
	assert_int_equal(why(s, 1, 0).rule, SCHED_WHY_HELD);
	assert_true(why(s, 1, 0).weight == 0);
	sched_set_want(s, 1, &nobody, 0);
	assert_int_equal(why(s, 1, 0).rule, SCHED_WHY_HELD);
	assert_int_equal(why(s, 1, 0).start_by_ms, INT64_MAX);
	sched_destroy(s);
}

static void no_builder_fits(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_build build = sched_case_build(1, MINUTE);
	struct sched_want want = sched_case_want(0);

	(void)state;
	assert_int_equal(sched_features(s, "cuda", &build.features, NULL), 0);
	sched_case_put(s, &build, &want, NULL);
	assert_int_equal(why(s, 1, 0).rule, SCHED_WHY_NO_BUILDER);
	assert_false(sched_has_builder(s, LINUX, build.features));
	sched_destroy(s);
}

/* Two of three slots may be taken by long builds; the shorter of them ends first. */
static void the_reserve_holds_it(void **state)
{
	struct sched *s = sched_case_begin(3, 0);
	struct sched_want put_first = sched_case_want(0);
	struct sched_why w;

	(void)state;
	put(s, 1, 9 * HOUR, SOME_DAY);
	put(s, 2, 5 * HOUR, SOME_DAY);
	sched_case_assert_starts(s, 0, "2 1");
	put(s, 3, 7 * HOUR, SOME_DAY);
	w = why(s, 3, 0);
	assert_int_equal(w.rule, SCHED_WHY_RESERVE);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.slots, 2);
	assert_true(w.long_ms == LONG_MIN_MS);
	assert_true(w.cost_ms == 7 * HOUR);
	assert_about(w.free_ms, 5 * HOUR);
	assert_int_equal(w.doubles_ms, 7 * HOUR);
	put_first.bumped_ms = 1;
	sched_set_want(s, 3, &put_first, 0);
	assert_int_equal(why(s, 3, 0).rule, SCHED_WHY_NEXT);
	sched_destroy(s);
}

/* Where there is no reserve, it is no reason. */
static void two_slots_have_no_reserve(void **state)
{
	struct sched *s = sched_case_begin(2, 0);
	struct sched_why w;

	(void)state;
	put(s, 1, 9 * HOUR, SOME_DAY);
	put(s, 2, 5 * HOUR, SOME_DAY);
	sched_case_assert_starts(s, 0, "2 1");
	put(s, 3, 7 * HOUR, SOME_DAY);
	put(s, 4, 8 * HOUR, SOME_DAY);
	assert_int_equal(why(s, 3, 0).rule, SCHED_WHY_NEXT);
	w = why(s, 4, 0);
	assert_int_equal(w.rule, SCHED_WHY_ORDER);
	assert_int_equal(w.other, 3);
	assert_about(w.free_ms, 5 * HOUR);
	sched_destroy(s);
}

/* Of a builder that has lost a slot while two long builds ran, the other one's free slot is free.
 */
static void without_a_reserve_long_builds_take_any_free_slot(void **state)
{
	struct sched *s = sched_create();
	struct sched_builder builders[] = {
		{ .name = "a", .systems = 1, .slots = { 2, 0 } },
		{ .name = "b", .systems = 1, .slots = { 0, 0 } },
	};

	(void)state;
	sched_set_builders(s, builders, 2);
	for (int64_t id = 1; id <= 3; id++)
		put(s, id, 9 * HOUR, SOME_DAY);
	sched_case_assert_starts(s, 0, "1@a 2@a");
	builders[0].slots[SCHED_BUILD] = 1;
	builders[1].slots[SCHED_BUILD] = 1;
	sched_set_builders(s, builders, 2);
	assert_int_equal(why(s, 3, 0).rule, SCHED_WHY_NEXT);
	sched_case_assert_starts(s, 0, "3@b");
	sched_destroy(s);
}

/* A part that is no part: none, or all. */
static void parts_of_the_slots_are_parts(void **state)
{
	static const double reserves[] = { -1, -INFINITY, NAN, 1, 7, INFINITY };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reserves); i++) {
		struct sched *s = sched_case_begin(8, 0);
		struct sched_policy policy = SCHED_POLICY_DEFAULT;

		policy.reserve = policy.promise_slots = reserves[i];
		sched_set_policy(s, &policy);
		put(s, 1, 9 * HOUR, SOME_DAY);
		assert_int_equal(
			why(s, 1, 0).rule, reserves[i] >= 1 ? SCHED_WHY_RESERVE : SCHED_WHY_NEXT);
		sched_destroy(s);
	}
}

static void the_slots_for_promises_are_taken(void **state)
{
	struct sched *s = sched_case_begin(2, 0);
	struct sched_why w;

	(void)state;
	put(s, 1, 25 * MINUTE, -9);
	put(s, 2, 20 * MINUTE, SOME_DAY);
	put(s, 3, 25 * MINUTE, -8);
	put(s, 4, 10 * MINUTE, SOME_DAY);
	sched_case_assert_starts(s, 0, "1 4");
	w = why(s, 3, 0);
	assert_int_equal(w.rule, SCHED_WHY_LANE);
	assert_int_equal(w.slots, 1);
	assert_int_equal(w.other, 1);
	assert_int_equal(w.start_by_ms, -8);
	assert_about(w.free_ms, 25 * MINUTE);
	assert_int_equal(w.n, 1); /* By score it would not start either: 2 is before it. */
	sched_case_built(s, 1, 0);
	assert_int_equal(why(s, 3, 0).rule, SCHED_WHY_NEXT); /* By its promise. */
	sched_destroy(s);
}

static void assert_order(struct sched_why w, size_t n, size_t n_due, int64_t nearest)
{
	assert_int_equal(w.rule, SCHED_WHY_ORDER);
	assert_int_equal(w.n, n);
	assert_int_equal(w.n_due, n_due);
	assert_int_equal(w.other, nearest);
}

/* One slot may serve promises: 5 is next by its, then it is 3's turn by score; for 6, whose promise
 * is due as well, there is no slot left then. */
static void whose_promise_is_due_goes_first(void **state)
{
	struct sched *s = sched_case_begin(2, 0);
	struct sched_want put_first = sched_case_want(0);

	(void)state;
	put(s, 1, 20 * MINUTE, SOME_DAY);
	put(s, 2, 25 * MINUTE, SOME_DAY);
	sched_case_assert_starts(s, 0, "1 2");
	put(s, 3, 5 * MINUTE, SOME_DAY);
	put(s, 4, 6 * MINUTE, SOME_DAY);
	put(s, 5, 7 * MINUTE, -9);
	put(s, 6, 8 * MINUTE, -8);
	assert_int_equal(why(s, 5, 0).rule, SCHED_WHY_NEXT);
	assert_order(why(s, 3, 0), 1, 1, 5);
	assert_order(why(s, 4, 0), 2, 1, 3);
	assert_order(why(s, 6, 0), 3, 1, 4); /* 5 is before it in any case, and counts once. */
	put_first.bumped_ms = 1;
	sched_set_want(s, 4, &put_first, 0);
	assert_int_equal(why(s, 4, 0).rule, SCHED_WHY_NEXT);
	assert_order(why(s, 5, 0), 1, 0, 4);
	assert_order(why(s, 3, 0), 2, 1, 4);
	sched_case_built(s, 1, 0);
	sched_case_built(s, 2, 0);
	sched_case_assert_starts(s, 0, "4 5");
	sched_destroy(s);
}

static void put_for(struct sched *s, int64_t id, const char *system)
{
	struct sched_build build = sched_case_build(id, 5 * MINUTE);
	struct sched_want want = sched_case_want(0);

	assert_int_equal(sched_system(s, system, &build.system, NULL), 0);
	sched_case_put(s, &build, &want, NULL);
}

/* One builder is for the one system, one for the other, and one for both. */
static void who_needs_other_builders_is_not_before_it(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_builder builders[] = {
		{ .name = "local", .systems = 1u << LINUX, .slots = { 1, 0 }, .speed = 1 },
		{ .name = "arm", .slots = { 1, 0 }, .speed = 1 },
		{ .name = "both", .slots = { 1, 0 }, .speed = 1 },
	};
	uint32_t arm;

	(void)state;
	assert_int_equal(sched_system(s, "aarch64-linux", &arm, NULL), 0);
	builders[1].systems = 1u << arm;
	sched_set_builders(s, builders, 2);
	put_for(s, 1, "x86_64-linux");
	put_for(s, 2, "aarch64-linux");
	put_for(s, 3, "x86_64-linux");
	assert_int_equal(why(s, 2, 0).rule, SCHED_WHY_NEXT);
	assert_order(why(s, 3, 0), 1, 0, 1);
	builders[2].systems = builders[0].systems | builders[1].systems;
	sched_set_builders(s, builders, 3);
	assert_order(why(s, 2, 0), 1, 0, 1);
	assert_order(why(s, 3, 0), 2, 0, 2);
	sched_destroy(s);
}

static void others_are_before_it(void **state)
{
	struct sched *s = sched_case_begin(2, 0);
	struct sched_want want = sched_case_want(0);
	struct sched_why w;

	(void)state;
	put(s, 1, 20 * MINUTE, SOME_DAY);
	put(s, 2, 25 * MINUTE, SOME_DAY);
	sched_case_assert_starts(s, 0, "1 2");
	put(s, 3, 5 * MINUTE, SOME_DAY);
	put(s, 4, 6 * MINUTE, SOME_DAY);
	put(s, 5, 7 * MINUTE, SOME_DAY);
	w = why(s, 5, 0);
	assert_int_equal(w.rule, SCHED_WHY_ORDER);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.other, 4);
	assert_int_equal(w.slots, 2);
	assert_true(w.other_score > w.score && w.score > 0);
	assert_true(w.other_score == why(s, 4, 0).score);
	assert_about(w.free_ms, 20 * MINUTE);
	want.bumped_ms = 1;
	sched_set_want(s, 5, &want, 0);
	w = why(s, 5, 0);
	assert_int_equal(w.rule, SCHED_WHY_NEXT);
	assert_int_equal(w.n, 0);
	assert_int_equal(w.other, 0);
	assert_int_equal(why(s, 4, 0).n, 2);
	assert_int_equal(why(s, 4, 0).other, 3); /* The nearest of them. */
	sched_destroy(s);
}

/* With a slot free nothing is known of when one is: it is. */
static void it_is_next(void **state)
{
	struct sched *s = sched_case_begin(1, 0);

	(void)state;
	put(s, 1, 5 * MINUTE, SOME_DAY);
	assert_int_equal(why(s, 1, 0).rule, SCHED_WHY_NEXT);
	assert_int_equal(why(s, 1, 0).free_ms, 0);
	sched_destroy(s);
}

static void it_runs(void **state)
{
	struct sched *s = sched_case_begin(0, 0);
	struct sched_builder two[] = {
		{ .name = "slow", .systems = 1, .slots = { 1 }, .speed = 0.5 },
		{ .name = "fast", .systems = 1, .slots = { 1 }, .speed = 2 },
	};
	struct sched_decision decision;
	struct sched_why w;

	(void)state;
	sched_set_builders(s, two, 2);
	put(s, 1, HOUR, SOME_DAY);
	sched_case_assert_starts(s, MINUTE, "1@fast");
	sched_decide(s, 2 * MINUTE, &decision);
	w = why(s, 1, 2 * MINUTE);
	assert_int_equal(w.rule, SCHED_WHY_RUNS);
	assert_string_equal(sched_builder_name(s, w.builder), "fast");
	assert_int_equal(w.since_ms, MINUTE);
	assert_about(w.free_ms, MINUTE + HOUR / 2);
	assert_int_equal(w.doubles_ms, 0); /* It does not wait. */
	sched_destroy(s);
}

static void the_numbers_behind_it(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want want = sched_case_want(0), nobody = { 0 };
	struct sched_why w;

	(void)state;
	want.weight = 2.5;
	want.submitter = 3;
	sched_set_usage(s, 3, SHARE_PRIOR_MS, 0);
	sched_case_add(s, 1, NULL);
	sched_set_want(s, 1, &want, 0);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(1, 2));
	sched_case_add(s, 4, NEEDS(3));
	sched_set_want(s, 2, &nobody, 0);
	w = why(s, 1, 0);
	assert_true(w.weight == 2.5);
	assert_int_equal(w.n_unlocks, 2); /* 3 and 4; nobody wants 2 by itself. */
	assert_true(fabs(w.share - 0.5) < 1e-9);
	assert_true(why(s, 2, 0).weight == 0);
	assert_int_equal(why(s, 4, 0).n_unlocks, 0);
	sched_destroy(s);
}

/* Of many, it is only found that there are many. */
static void roughly_is_up_to_so_many(void **state)
{
	struct sched *s = sched_case_begin(0, 0);
	struct sched_why w;

	(void)state;
	for (int64_t id = 1; id <= 50; id++)
		sched_case_add_ready(s, id);
	sched_why_roughly(s, 50, 0, 10, &w);
	assert_int_equal(w.rule, SCHED_WHY_ORDER);
	assert_int_equal(w.n, 10);
	sched_why_roughly(s, 8, 0, 10, &w);
	assert_int_equal(w.n, 7);
	assert_int_equal(w.other, 7);
	assert_int_equal(why(s, 50, 0).n, 49);
	sched_destroy(s);
}

static void rules_have_names(void **state)
{
	(void)state;
	assert_string_equal(sched_rule_name(SCHED_RULE_BUMPED), "bump");
	assert_string_equal(sched_rule_name(SCHED_RULE_PROMISE), "promise");
	assert_string_equal(sched_rule_name(SCHED_RULE_SCORE), "score");
	assert_string_equal(sched_rule_name(SCHED_RULE_LEFTOVER), "leftover");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_needs_others),
		cmocka_unit_test(its_user_is_at_it),
		cmocka_unit_test(on_hold_or_wanted_by_nobody),
		cmocka_unit_test(no_builder_fits),
		cmocka_unit_test(the_reserve_holds_it),
		cmocka_unit_test(two_slots_have_no_reserve),
		cmocka_unit_test(without_a_reserve_long_builds_take_any_free_slot),
		cmocka_unit_test(parts_of_the_slots_are_parts),
		cmocka_unit_test(the_slots_for_promises_are_taken),
		cmocka_unit_test(whose_promise_is_due_goes_first),
		cmocka_unit_test(who_needs_other_builders_is_not_before_it),
		cmocka_unit_test(others_are_before_it),
		cmocka_unit_test(it_is_next),
		cmocka_unit_test(it_runs),
		cmocka_unit_test(the_numbers_behind_it),
		cmocka_unit_test(roughly_is_up_to_so_many),
		cmocka_unit_test(rules_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
