/* Which ready build is first, who wants what, and how builds become ready and leave: each rule of
 * the schedule by itself. test_sched_model.c holds all of them together against a slow model. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/support/sched_case.h"

/* ---- the order ---- */

static void the_order(void **state)
{
	static const struct {
		const char *rule;
		struct want first, second;
		enum sched_class first_class, second_class;
	} cases[] = {
		{ "the older wish", { 1, false, 0, 0, 100 }, { 1, false, 0, 0, 101 }, 0, 0 },
		{ "higher priority before age", { 1, false, 5, 0, 200 }, { 1, false, 4, 0, 100 }, 0,
			0 },
		{ "negative priority is behind none", { 1, false, 0, 0, 200 },
			{ 1, false, -1, 0, 100 }, 0, 0 },
		{ "a bump before any priority", { 1, false, -9, 1, 200 }, { 1, false, 9, 0, 100 },
			0, 0 },
		{ "the later bump first", { 1, false, 0, 8, 200 }, { 1, false, 9, 7, 100 }, 0, 0 },
		{ "how many want it is no reason", { 1, false, 0, 0, 100 }, { 9, false, 0, 0, 101 },
			0, 0 },
		{ "a leftover behind all others", { 1, false, 0, 0, 900 }, { 1, false, 9, 5, 1 },
			SCHED_NORMAL, SCHED_LEFTOVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_case_begin(2, 0);
		/* The one that is first has the higher id and is added last. */
		struct sched_build second = {
			.id = 1, .system = LINUX, .class = cases[i].second_class
		};
		struct sched_build first = {
			.id = 2, .system = LINUX, .class = cases[i].first_class
		};
		struct sched_decision decision;

		sched_add(s, &second, NULL, 0);
		sched_set_want(s, 1, &cases[i].second);
		sched_set_ready(s, 1, 0);
		sched_add(s, &first, NULL, 0);
		sched_set_want(s, 2, &cases[i].first);
		sched_set_ready(s, 2, 0);
		sched_decide(s, 0, &decision);
		if (decision.builds[0] != 2)
			fail_msg("%s", cases[i].rule);
		assert_int_equal(decision.n, 1);
		assert_int_equal(decision.runner_up, 1);
		assert_int_equal(decision.rule,
			cases[i].first.bumped_ms > 0 ? SCHED_RULE_BUMPED : SCHED_RULE_FIRST_COME);
		sched_destroy(s);
	}
}

static void ties_go_by_id_however_they_came(void **state)
{
	static const int64_t orders[][3] = { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 3, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct sched *s = sched_case_begin(3, 0);
		struct want want = { .jobs = 1, .submitted_ms = 7 };

		for (size_t k = 0; k < 3; k++) {
			sched_case_add_ready(s, orders[i][k]);
			sched_set_want(s, orders[i][k], &want);
		}
		sched_case_assert_starts(s, 0, "1 2 3");
		sched_destroy(s);
	}
}

static void a_decision_changes_nothing(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_decision once, twice;

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	sched_decide(s, 0, &once);
	sched_decide(s, 0, &twice);
	assert_memory_equal(&once, &twice, sizeof once);
	assert_int_equal(sched_state(s, 1), SCHED_READY);
	sched_destroy(s);
}

/* ---- who wants it ---- */

/* 3 needs 2, and 2 needs 1: all are wanted as much as 3 is. */
static void a_wish_goes_down_to_what_is_needed(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct want nobody = { 0 }, urgent = { .jobs = 1, .priority = 7, .submitted_ms = 50 };

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(2));
	sched_set_want(s, 1, &nobody);
	sched_set_want(s, 2, &nobody);
	sched_set_want(s, 3, &urgent);
	assert_int_equal(sched_want(s, 1)->priority, 7);
	assert_int_equal(sched_want(s, 1)->submitted_ms, 50);
	sched_set_want(s, 3, &nobody);
	assert_false(sched_is_wanted(s, 1));
	sched_set_want(s, 2, &urgent);
	assert_true(sched_is_wanted(s, 1));
	assert_false(sched_is_wanted(s, 3));
	assert_false(sched_is_wanted(s, 4)); /* Never heard of. */
	sched_destroy(s);
}

static void what_nobody_wants_or_all_hold_does_not_start(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct want nobody = { 0 }, held = { .jobs = 1, .is_held = true };
	struct want again = { .jobs = 1 };

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	sched_set_want(s, 1, &nobody);
	sched_set_want(s, 2, &held);
	assert_true(sched_is_wanted(s, 2));
	sched_case_assert_starts(s, 0, "");
	sched_set_want(s, 2, &again);
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

/* One that is held and one that is not: the second decides. */
static void one_job_on_hold_does_not_hold_what_others_need(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct want held = { .jobs = 1, .is_held = true, .priority = 9 };

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(1));
	sched_set_want(s, 1, &held);
	sched_set_want(s, 2, &held);
	assert_false(sched_want(s, 1)->is_held);
	sched_set_ready(s, 1, 0);
	sched_case_assert_starts(s, 0, "1");
	sched_destroy(s);
}

/* ---- states ---- */

static void a_diamond_opens_from_below(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	cleanup_str struct str open = { 0 };

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(1, 1));     /* Twice is once. */
	sched_case_add(s, 4, NEEDS(2, 3, 77)); /* 77 is valid: nobody knows it. */
	assert_int_equal(sched_state(s, 1), SCHED_OPEN);
	assert_int_equal(sched_state(s, 4), SCHED_BLOCKED);
	assert_int_equal(sched_needs_left(s, 4), 2);
	sched_set_ready(s, 1, 0);
	sched_case_assert_starts(s, 0, "1");
	assert_int_equal(sched_state(s, 1), SCHED_RUNNING);
	sched_built(s, 1, sched_case_note, &open);
	assert_int_equal(sched_state(s, 1), SCHED_UNKNOWN);
	assert_string_equal(str_text(&open), "2 3");
	sched_built(s, 2, sched_case_note, &open);
	sched_built(s, 3, sched_case_note, &open);
	assert_string_equal(str_text(&open), "2 3 4");
	assert_int_equal(sched_n(s), 1);
	sched_destroy(s);
}

static void what_is_removed_takes_along_what_needs_it(void **state)
{
	struct sched *s = sched_case_begin(9, 0);

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(2));
	sched_case_add_ready(s, 4);
	sched_case_add(s, 5, NEEDS(3, 4));
	sched_case_assert_starts(s, 0, "1 4");
	sched_remove(s, 2);
	assert_int_equal(sched_n(s), 2);
	assert_int_equal(sched_state(s, 5), SCHED_UNKNOWN);
	assert_int_equal(sched_state(s, 1), SCHED_RUNNING);
	sched_remove(s, 1); /* It frees its slot. */
	assert_int_equal(sched_running(s, 0, SCHED_BUILD), 1);
	sched_remove(s, 1); /* Harmless. */
	sched_destroy(s);
}

static void a_need_that_comes_later(void **state)
{
	struct sched *s = sched_case_begin(9, 0);

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	sched_case_add(s, 3, NEEDS(2));
	assert_false(sched_add_need(s, 2, 3)); /* A circle. */
	assert_false(sched_add_need(s, 2, 2));
	assert_int_equal(sched_state(s, 2), SCHED_READY);
	assert_true(sched_add_need(s, 2, 99)); /* Valid: nobody knows it. */
	assert_int_equal(sched_state(s, 2), SCHED_READY);
	assert_true(sched_add_need(s, 2, 1));
	assert_int_equal(sched_state(s, 2), SCHED_BLOCKED);
	sched_case_assert_starts(s, 0, "1");
	sched_built(s, 1, sched_case_set_ready, s);
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

static void restored_edges_are_edges(void **state)
{
	struct sched *s = sched_case_begin(9, 0);

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NULL);
	sched_restore_need(s, 2, 1);
	sched_restore_need(s, 2, 99);
	sched_restore_need(s, 99, 1);
	assert_int_equal(sched_state(s, 2), SCHED_BLOCKED);
	assert_int_equal(sched_needs_left(s, 2), 1);
	sched_set_ready(s, 1, 0);
	sched_case_assert_starts(s, 0, "1");
	sched_built(s, 1, sched_case_set_ready, s);
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

static void requeued_it_waits_its_turn_again(void **state)
{
	struct sched *s = sched_case_begin(1, 0);

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	sched_case_assert_starts(s, 0, "1");
	sched_requeue(s, 1);
	assert_int_equal(sched_state(s, 1), SCHED_OPEN);
	assert_int_equal(sched_running(s, 0, SCHED_BUILD), 0);
	sched_set_ready(s, 1, 1000);
	sched_case_assert_starts(s, 0, "2");
	sched_built(s, 2, sched_case_note, NULL);
	sched_case_assert_starts(s, 999, "");
	sched_case_assert_starts(s, 1000, "1");
	sched_destroy(s);
}

/* ---- for people ---- */

static void who_is_above_and_below(void **state)
{
	static const struct {
		void (*each)(const struct sched *, int64_t, void (*)(void *, int64_t), void *);
		const char *what;
		int64_t build;
		const char *wanted;
	} direct[] = {
		{ sched_each_need, "needs", 4, "2 3" },
		{ sched_each_need, "needs", 1, "" },
		{ sched_each_dependent, "dependents", 1, "2 3" },
		{ sched_each_dependent, "dependents", 4, "" },
		{ sched_each_dependent, "dependents", 99, "" },
	};
	struct sched *s = sched_case_begin(9, 0);
	cleanup_str struct str above = { 0 }, below = { 0 };

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(1));
	sched_case_add(s, 4, NEEDS(2, 3));
	for (size_t i = 0; i < ARRAY_LEN(direct); i++) {
		cleanup_str struct str got = { 0 };

		direct[i].each(s, direct[i].build, sched_case_note, &got);
		if (strcmp(str_text(&got), direct[i].wanted) != 0)
			fail_msg("%s of %" PRId64 ": %s", direct[i].what, direct[i].build,
				str_text(&got));
	}
	sched_each_above(s, 1, sched_case_note, &above);
	assert_string_equal(str_text(&above), "2 3 4");
	sched_each_below(s, 4, sched_case_note, &below);
	assert_string_equal(str_text(&below), "2 3 1");
	sched_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order),
		cmocka_unit_test(ties_go_by_id_however_they_came),
		cmocka_unit_test(a_decision_changes_nothing),
		cmocka_unit_test(a_wish_goes_down_to_what_is_needed),
		cmocka_unit_test(what_nobody_wants_or_all_hold_does_not_start),
		cmocka_unit_test(one_job_on_hold_does_not_hold_what_others_need),
		cmocka_unit_test(a_diamond_opens_from_below),
		cmocka_unit_test(what_is_removed_takes_along_what_needs_it),
		cmocka_unit_test(a_need_that_comes_later),
		cmocka_unit_test(restored_edges_are_edges),
		cmocka_unit_test(requeued_it_waits_its_turn_again),
		cmocka_unit_test(who_is_above_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
