/* Which ready build is first, who wants what, and how builds become ready and leave: each rule of
 * the schedule by itself. test_sched_model.c holds all of them together against a slow model. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/support/sched_case.h"

/* ---- the order; test_sched_order.c has the rest of it ---- */

static void ties_go_by_id_however_they_came(void **state)
{
	static const int64_t orders[][3] = { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 3, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct sched *s = sched_case_begin(3, 0);
		struct sched_want want = sched_case_want(7);

		for (size_t k = 0; k < 3; k++) {
			sched_case_add_ready(s, orders[i][k]);
			sched_set_want(s, orders[i][k], &want, 0);
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

static int64_t start_by(const struct sched *s, int64_t build)
{
	struct sched_why why;

	sched_why(s, build, 0, &why);
	return why.start_by_ms;
}

/* 3 needs 2, and 2 needs 1: all are wanted as much as 3 is, and earlier by what they cost. */
static void a_want_goes_down_to_what_is_needed(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct sched_want nobody = { 0 }, wanted = sched_case_want(50);

	(void)state;
	wanted.start_by_ms = 5 * HOUR;
	for (int64_t id = 1; id <= 3; id++) {
		sched_case_add(s, id, id > 1 ? NEEDS(id - 1) : NULL);
		sched_set_want(s, id, &nobody, 0);
		assert_false(sched_is_wanted(s, id));
		assert_int_equal(start_by(s, id), INT64_MAX);
	}
	sched_set_want(s, 3, &wanted, 0);
	assert_int_equal(start_by(s, 3), 5 * HOUR);
	assert_int_equal(start_by(s, 2), 5 * HOUR - 10 * MINUTE);
	assert_int_equal(start_by(s, 1), 5 * HOUR - 20 * MINUTE);
	sched_set_want(s, 3, &nobody, 0);
	assert_false(sched_is_wanted(s, 1));
	assert_int_equal(start_by(s, 1), INT64_MAX);
	sched_set_want(s, 2, &wanted, 0);
	assert_true(sched_is_wanted(s, 1));
	assert_false(sched_is_wanted(s, 3));
	assert_false(sched_is_wanted(s, 4)); /* Never heard of. */
	sched_destroy(s);
}

/* Of two that need it, each member of what they ask for is the most urgent by itself. */
static void the_most_urgent_of_each_counts(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want nobody = { 0 }, early = sched_case_want(10), put_first = early;
	struct sched_decision decision;

	(void)state;
	early.start_by_ms = 7 * HOUR;
	put_first.bumped_ms = 1;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(1));
	sched_set_want(s, 1, &nobody, 0);
	sched_set_want(s, 2, &early, 0);
	sched_set_want(s, 3, &put_first, 0);
	sched_set_ready(s, 1, 0);
	sched_decide(s, 0, &decision);
	assert_int_equal(decision.rule, SCHED_RULE_BUMPED);
	assert_int_equal(decision.start_by_ms, 7 * HOUR - 10 * MINUTE);
	sched_remove(s, 3, 0);
	sched_decide(s, 0, &decision);
	assert_int_equal(decision.rule, SCHED_RULE_SCORE);
	assert_int_equal(decision.start_by_ms, 7 * HOUR - 10 * MINUTE);
	sched_destroy(s);
}

/* Also when several need it, and the first that is looked at is not the most urgent. */
static void a_cost_that_changes_moves_the_promise(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want nobody = { 0 }, want = sched_case_want(0);

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_set_want(s, 1, &nobody, 0);
	for (int64_t id = 2; id <= 4; id++) {
		sched_case_add(s, id, NEEDS(1));
		want.start_by_ms = (id == 3 ? 5 : 6) * HOUR;
		sched_set_want(s, id, &want, 0);
	}
	assert_int_equal(start_by(s, 1), 5 * HOUR - 10 * MINUTE);
	sched_set_cost(s, 1, 3 * HOUR, 0.1);
	assert_int_equal(start_by(s, 1), 2 * HOUR);
	sched_set_cost(s, 1, 1 * HOUR, 0.1);
	assert_int_equal(start_by(s, 1), 4 * HOUR);
	sched_destroy(s);
}

static void what_nobody_wants_or_all_hold_does_not_start(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct sched_want nobody = { 0 }, again = sched_case_want(0), held = again;

	(void)state;
	held.is_held = true;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	sched_set_want(s, 1, &nobody, 0);
	sched_set_want(s, 2, &held, 0);
	assert_false(sched_is_wanted(s, 1));
	assert_true(sched_is_wanted(s, 2));
	sched_case_assert_starts(s, 0, "");
	sched_set_want(s, 2, &again, 0);
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

/* One that is held and one that is not: the second decides, and the first asks for nothing. */
static void one_job_on_hold_does_not_hold_what_others_need(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct sched_want held = sched_case_want(0);

	(void)state;
	held.is_held = true;
	held.start_by_ms = 0;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(1));
	sched_set_want(s, 1, &held, 0);
	sched_set_want(s, 2, &held, 0);
	assert_int_equal(start_by(s, 1), SOME_DAY - 10 * MINUTE);
	sched_set_ready(s, 1, 0);
	sched_case_assert_starts(s, 0, "1");
	sched_destroy(s);
}

static double chain_of(const struct sched *s, int64_t build)
{
	struct sched_want want;

	sched_want(s, build, &want);
	return want.chain_ms;
}

/* A diamond with a long side, of which some is built before anybody asks. */
static void the_chain_is_as_it_is_when_it_is_asked_for(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct sched_want want = sched_case_want(0), told = want;

	(void)state;
	for (int64_t id = 1; id <= 5; id++) {
		struct sched_build build = sched_case_build(id, (double)(id * MINUTE));

		sched_add(s, &build, NULL, 0);
	}
	sched_restore_need(s, 5, 4);
	sched_restore_need(s, 5, 1);
	sched_restore_need(s, 4, 2);
	sched_restore_need(s, 2, 1);
	sched_restore_need(s, 4, 1);
	sched_set_want(s, 5, &want, 0);
	assert_true(chain_of(s, 5) == 12 * MINUTE);
	sched_set_ready(s, 1, 0);
	sched_case_built(s, 1, 0);
	sched_case_built(s, 2, 0);
	sched_set_want(s, 4, &want, 0);
	assert_true(chain_of(s, 4) == 4 * MINUTE);
	sched_set_want(s, 5, &want, 0); /* It was asked for before. */
	assert_true(chain_of(s, 5) == 12 * MINUTE);
	told.chain_ms = HOUR;
	sched_set_want(s, 3, &told, 0); /* As it was kept over a restart. */
	assert_true(chain_of(s, 3) == HOUR);
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
	sched_built(s, 1, 0, sched_case_note, &open);
	assert_int_equal(sched_state(s, 1), SCHED_UNKNOWN);
	assert_string_equal(str_text(&open), "2 3");
	sched_built(s, 2, 0, sched_case_note, &open);
	sched_built(s, 3, 0, sched_case_note, &open);
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
	sched_remove(s, 2, 0);
	assert_int_equal(sched_n(s), 2);
	assert_int_equal(sched_state(s, 5), SCHED_UNKNOWN);
	assert_int_equal(sched_state(s, 1), SCHED_RUNNING);
	sched_remove(s, 1, 0); /* It frees its slot. */
	assert_int_equal(sched_running(s, 0, SCHED_BUILD), 1);
	sched_remove(s, 1, 0); /* Harmless. */
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
	sched_case_built(s, 1, 0);
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
	sched_case_built(s, 1, 0);
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
	sched_requeue(s, 1, 0);
	assert_int_equal(sched_state(s, 1), SCHED_OPEN);
	assert_int_equal(sched_running(s, 0, SCHED_BUILD), 0);
	sched_set_ready(s, 1, 1000);
	sched_case_assert_starts(s, 0, "2");
	sched_case_built(s, 2, 0);
	sched_case_assert_starts(s, 999, "");
	sched_case_assert_starts(s, 1000, "1");
	sched_destroy(s);
}

static double score(const struct sched *s, int64_t build)
{
	struct sched_why why;

	sched_why(s, build, 0, &why);
	return why.score;
}

/* 3 needs 2, which needs 1; somebody else builds 2. Nothing waits for 1 any more. */
static void what_is_valid_before_its_needs(void **state)
{
	struct sched *s = sched_case_begin(9, 0);

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 5);
	sched_case_add(s, 2, NEEDS(1));
	sched_case_add(s, 3, NEEDS(2));
	sched_case_add(s, 4, NEEDS(2, 1));
	assert_true(score(s, 1) > score(s, 5));
	sched_case_built(s, 2, 0);
	assert_int_equal(sched_state(s, 3), SCHED_READY);
	assert_int_equal(sched_needs_left(s, 4), 1);
	assert_true(score(s, 1) > score(s, 5));
	sched_remove(s, 3, 0);
	sched_remove(s, 4, 0);
	assert_true(score(s, 1) == score(s, 5));
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
		cmocka_unit_test(ties_go_by_id_however_they_came),
		cmocka_unit_test(a_decision_changes_nothing),
		cmocka_unit_test(a_want_goes_down_to_what_is_needed),
		cmocka_unit_test(the_most_urgent_of_each_counts),
		cmocka_unit_test(a_cost_that_changes_moves_the_promise),
		cmocka_unit_test(what_nobody_wants_or_all_hold_does_not_start),
		cmocka_unit_test(one_job_on_hold_does_not_hold_what_others_need),
		cmocka_unit_test(the_chain_is_as_it_is_when_it_is_asked_for),
		cmocka_unit_test(a_diamond_opens_from_below),
		cmocka_unit_test(what_is_removed_takes_along_what_needs_it),
		cmocka_unit_test(a_need_that_comes_later),
		cmocka_unit_test(restored_edges_are_edges),
		cmocka_unit_test(requeued_it_waits_its_turn_again),
		cmocka_unit_test(what_is_valid_before_its_needs),
		cmocka_unit_test(who_is_above_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
