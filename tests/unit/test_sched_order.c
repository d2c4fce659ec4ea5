/* The order of what is ready: score, age, shares, leftovers, bumps, superseding. Figures are the
 * formula's of score.h, worked out here by hand. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/score.h"
#include "tests/support/sched_case.h"

static double score_of(const struct sched *s, int64_t build)
{
	struct sched_why why;

	sched_why(s, build, 0, &why);
	return why.score;
}

static void assert_near(double got, double wanted)
{
	if (fabs(got - wanted) > 1e-5 * fabs(wanted))
		fail_msg("%.9g, not %.9g", got, wanted);
}

static void put(struct sched *s, int64_t id, double cost_ms, double weight, const int64_t *needs)
{
	struct sched_build build = sched_case_build(id, cost_ms);
	struct sched_want want = sched_case_want(0);

	want.weight = weight;
	want.jobs = weight > 0;
	sched_case_put(s, &build, &want, needs);
}

/* ---- who is first ---- */

struct one {
	double cost_ms, weight;
	int64_t since_ms, bumped_ms;
	bool is_leftover;
};

static void put_one(struct sched *s, int64_t id, const struct one *one)
{
	struct sched_build build = sched_case_build(id, one->cost_ms);
	struct sched_want want = sched_case_want(one->since_ms);

	want.weight = one->weight;
	want.bumped_ms = one->bumped_ms;
	want.is_leftover = one->is_leftover;
	sched_case_put(s, &build, &want, NULL);
}

static void the_order(void **state)
{
	static const struct {
		const char *rule;
		struct one first, second;
		enum sched_rule by;
	} cases[] = {
		{ "the older of equals", { MINUTE, 1, 4, 0, false }, { MINUTE, 1, 5, 0, false },
			SCHED_RULE_SCORE },
		{ "the cheaper", { MINUTE, 1, 5, 0, false }, { HOUR, 1, 4, 0, false },
			SCHED_RULE_SCORE },
		{ "the heavier", { HOUR, 2, 5, 0, false }, { HOUR, 1, 4, 0, false },
			SCHED_RULE_SCORE },
		{ "weight against cost", { HOUR, 9, 5, 0, false }, { 30 * MINUTE, 1, 4, 0, false },
			SCHED_RULE_SCORE },
		{ "a bump before any score", { 9 * HOUR, 0, 5, 1, false },
			{ MINUTE, 9, 4, 0, false }, SCHED_RULE_BUMPED },
		{ "the later bump first", { HOUR, 1, 5, 8, false }, { MINUTE, 1, 4, 7, false },
			SCHED_RULE_BUMPED },
		{ "a bump of a leftover", { HOUR, 1, 5, 8, true }, { MINUTE, 1, 4, 0, false },
			SCHED_RULE_BUMPED },
		{ "a leftover behind all others", { 9 * HOUR, 0.1, 5, 0, false },
			{ MINUTE, 9, 4, 0, true }, SCHED_RULE_SCORE },
		{ "leftovers by score", { MINUTE, 1, 5, 0, true }, { HOUR, 1, 4, 0, true },
			SCHED_RULE_LEFTOVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_case_begin(1, 0);
		struct sched_decision decision;

		/* The one that is first has the higher id and is added last. */
		put_one(s, 1, &cases[i].second);
		put_one(s, 2, &cases[i].first);
		sched_decide(s, 10, &decision);
		if (decision.builds[0] != 2 || decision.rule != cases[i].by)
			fail_msg("%s: %" PRId64 " by %s", cases[i].rule, decision.builds[0],
				sched_rule_name(decision.rule));
		assert_int_equal(decision.runner_up, 1);
		assert_true(decision.score == score_of(s, 2));
		assert_true(decision.runner_up_score == score_of(s, 1));
		sched_destroy(s);
	}
}

/* ---- the score ---- */

/* What a wanted build of weight 1 with such a cost and chain serves. */
static double own(double cost_h, double chain_h)
{
	return pow(chain_h, -SCORE_A) * pow(cost_h, -SCORE_P);
}

/* What it adds per hour to one of cost `need_h` that it needs. */
static double unlocks(double need_h, double cost_h, double chain_h)
{
	return own(cost_h, chain_h) * pow(need_h / chain_h, SCORE_B) / need_h;
}

static void the_score_is_weight_by_chain_and_cost(void **state)
{
	static const struct {
		double cost_h, chain_h, weight;
	} cases[] = { { 1, 1, 1 }, { 1, 1, 2.5 }, { 0.5, 0.5, 1 }, { 1, 4, 1 }, { 2, 20, 3 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_case_begin(1, 0);
		struct sched_build build = sched_case_build(1, cases[i].cost_h * HOUR_MS);
		struct sched_want want = sched_case_want(0);

		want.weight = cases[i].weight;
		want.chain_ms = cases[i].chain_h * HOUR_MS;
		sched_case_put(s, &build, &want, NULL);
		assert_near(score_of(s, 1),
			cases[i].weight * own(cases[i].cost_h, cases[i].chain_h) / cases[i].cost_h);
		sched_destroy(s);
	}
}

static void a_short_chain_counts_as_a_minute(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	double least_h = SCORE_COST_MIN_MS / HOUR_MS;

	(void)state;
	put(s, 1, SCORE_COST_MIN_MS / 10, 1, NULL);
	assert_near(score_of(s, 1), own(least_h, least_h) / (least_h / 10));
	sched_destroy(s);
}

static void what_is_long_loses_less_by_its_length(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	double from_h = SCORE_LONG_FROM_MS / HOUR_MS;

	(void)state;
	put(s, 1, SCORE_LONG_FROM_MS, 1, NULL);
	put(s, 2, 8 * SCORE_LONG_FROM_MS, 1, NULL);
	assert_near(score_of(s, 1), own(from_h, from_h) / from_h);
	assert_near(
		score_of(s, 2), own(8 * from_h, 8 * from_h) / (from_h * pow(8, 1 - SCORE_LONG)));
	sched_destroy(s);
}

/* 4 needs 2 and 3, which need 1: what waits for 1 is each of them once. */
static void what_it_unlocks_is_counted_once(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	double alone = own(0.5, 0.5) / 0.5, three;

	(void)state;
	put(s, 1, HOUR / 2, 1, NULL);
	assert_near(score_of(s, 1), alone);
	put(s, 2, HOUR, 1, NEEDS(1));
	put(s, 3, 2 * HOUR, 1, NEEDS(1));
	three = score_of(s, 1);
	assert_near(three, alone + unlocks(0.5, 1, 1.5) + unlocks(0.5, 2, 2.5));
	put(s, 4, HOUR, 1, NEEDS(2, 3));
	assert_near(score_of(s, 1), three + unlocks(0.5, 1, 3.5));
	sched_remove(s, 4, 0);
	assert_true(score_of(s, 1) == three); /* To the last bit. */
	sched_remove(s, 3, 0);
	sched_remove(s, 2, 0);
	assert_near(score_of(s, 1), alone);
	sched_destroy(s);
}

static void an_edge_that_comes_later_unlocks_too(void **state)
{
	struct sched *s = sched_case_begin(1, 0);

	(void)state;
	put(s, 1, HOUR / 2, 0, NULL);
	put(s, 2, HOUR, 1, NULL);
	put(s, 3, HOUR, 1, NEEDS(2));
	put(s, 4, HOUR, 1, NEEDS(1));
	assert_true(sched_add_need(s, 2, 1));
	/* 2 and 3 were asked for when nothing was below 2. */
	assert_near(score_of(s, 1), unlocks(0.5, 1, 1) + unlocks(0.5, 1, 2) + unlocks(0.5, 1, 1.5));
	sched_case_built(s, 1, 0);
	assert_int_equal(sched_state(s, 4), SCHED_READY);
	assert_near(score_of(s, 2), 1 + unlocks(1, 1, 2));
	sched_destroy(s);
}

static void what_is_held_or_unwanted_unlocks_nothing(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want want = sched_case_want(0), held = want, nobody = { 0 };

	(void)state;
	held.is_held = true;
	put(s, 1, HOUR, 1, NULL);
	put(s, 2, HOUR, 1, NEEDS(1));
	assert_near(score_of(s, 1), 1 + unlocks(1, 1, 2));
	sched_set_want(s, 2, &held, 0);
	assert_near(score_of(s, 1), 1);
	sched_set_want(s, 2, &want, 0);
	assert_near(score_of(s, 1), 1 + unlocks(1, 1, 2));
	sched_set_want(s, 2, &nobody, 0);
	assert_near(score_of(s, 1), 1);
	sched_destroy(s);
}

/* ---- age ---- */

static void it_doubles_as_its_slowdown_doubles(void **state)
{
	static const struct {
		int64_t waited_ms;
		double times;
		int64_t doubles_ms;
	} cases[] = { { 0, 1, HOUR }, { HOUR - 1, 1, HOUR }, { HOUR, 2, 3 * HOUR },
		{ 3 * HOUR - 1, 2, 3 * HOUR }, { 3 * HOUR, 4, 7 * HOUR },
		{ 7 * HOUR, 8, 15 * HOUR }, { 1023 * HOUR, 1024, 2047 * HOUR } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int at_once = 0; at_once < 2; at_once++) {
			struct sched *s = sched_case_begin(0, 0);
			struct sched_decision decision;
			struct sched_why why;

			put(s, 1, HOUR, 1, NULL);
			/* By time that passes, and when it comes that old. */
			for (size_t k = at_once ? i : 0; k <= i; k++)
				sched_decide(s, cases[k].waited_ms, &decision);
			if (at_once) {
				sched_requeue(s, 1, cases[i].waited_ms);
				sched_set_ready(s, 1, 0);
			}
			sched_why(s, 1, cases[i].waited_ms, &why);
			assert_near(why.score, cases[i].times);
			assert_int_equal(why.doubles_ms, cases[i].doubles_ms);
			sched_destroy(s);
		}
	}
}

/* What is only needed ages as old as the oldest that needs it, by its own cost. */
static void a_need_ages_with_what_needs_it(void **state)
{
	struct sched *s = sched_case_begin(0, 0);
	struct sched_build build = sched_case_build(2, HOUR);
	struct sched_want want = sched_case_want(-3 * HOUR);
	struct sched_why why;

	(void)state;
	put(s, 1, HOUR, 0, NULL);
	sched_case_put(s, &build, &want, NEEDS(1));
	sched_why(s, 1, 0, &why);
	assert_near(why.score, 4 * unlocks(1, 1, 2));
	assert_int_equal(why.doubles_ms, 4 * HOUR);
	sched_destroy(s);
}

/* ---- shares ---- */

/* Of one slot's day: what counts as used by nobody is SHARE_PRIOR_MS. */
static void beyond_half_of_all_use_scores_fall(void **state)
{
	static const double shares[] = { 0, 0.25, 0.5, 0.6, 0.75, 0.9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		struct sched *s = sched_case_begin(1, 0);
		uint32_t busy = sched_submitter(s, "busy"), other = sched_submitter(s, "other");
		double left = fmin((1 - shares[i]) / (1 - SHARE_FREE), 1);
		struct sched_build build = sched_case_build(1, HOUR);
		struct sched_want want = sched_case_want(0);
		struct sched_why why;

		sched_set_usage(s, busy, shares[i] * 10 * SHARE_PRIOR_MS, 0);
		sched_set_usage(
			s, other, (1 - shares[i]) * 10 * SHARE_PRIOR_MS - SHARE_PRIOR_MS, 0);
		want.submitter = busy;
		sched_case_put(s, &build, &want, NULL);
		sched_why(s, 1, 0, &why);
		assert_near(why.share + 1, shares[i] + 1);
		assert_near(why.score, left * left);
		sched_destroy(s);
	}
}

/* The estimate when it starts, on the builder that it runs on; what it really took when it ends. */
static void use_is_charged_and_trued_up(void **state)
{
	struct sched *s = sched_create();
	struct sched_builder fast = { .name = "fast", .systems = 1, .slots = { 1 }, .speed = 2 };
	struct sched_build build = sched_case_build(1, 2 * HOUR);
	struct sched_want want = sched_case_want(0);
	uint32_t system, alice = sched_submitter(s, "alice");
	double left;

	(void)state;
	assert_int_equal(sched_system(s, "x86_64-linux", &system, NULL), 0);
	sched_set_builders(s, &fast, 1);
	want.submitter = alice;
	sched_case_put(s, &build, &want, NULL);
	sched_case_assert_starts(s, 0, "1");
	assert_near(sched_usage(s, alice, 0), HOUR);
	left = exp(-3 * HOUR_MS / SHARE_DECAY_MS);
	assert_near(sched_usage(s, alice, 3 * HOUR), HOUR * left);
	sched_case_built(s, 1, 3 * HOUR);
	assert_near(sched_usage(s, alice, 3 * HOUR), HOUR * left + 2 * HOUR);
	sched_destroy(s);
}

/* What was charged has faded meanwhile: no more than that is given back. */
static void nobody_is_owed_anything(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_build build = sched_case_build(1, 100 * HOUR);
	struct sched_want want = sched_case_want(0);

	(void)state;
	sched_case_put(s, &build, &want, NULL);
	sched_case_assert_starts(s, 0, "1");
	sched_case_built(s, 1, (int64_t)SHARE_DECAY_MS);
	assert_true(sched_usage(s, 0, (int64_t)SHARE_DECAY_MS) == 0);
	sched_destroy(s);
}

static void fetches_cost_nobody_anything(void **state)
{
	struct sched *s = sched_case_begin(1, 1);
	struct sched_build fetch = sched_case_build(1, HOUR);
	struct sched_want want = sched_case_want(0);

	(void)state;
	fetch.lane = SCHED_FETCH;
	sched_case_put(s, &fetch, &want, NULL);
	sched_case_assert_starts(s, 0, "1");
	assert_true(sched_usage(s, 0, 0) == 0);
	sched_case_built(s, 1, HOUR);
	assert_true(sched_usage(s, 0, HOUR) == 0);
	sched_destroy(s);
}

static void use_is_kept_over_a_restart(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	sched_set_usage(s, 3, 8 * HOUR_MS, -2 * HOUR); /* Before our clock began. */
	assert_near(sched_usage(s, 3, -2 * HOUR), 8 * HOUR_MS);
	assert_near(sched_usage(s, 3, 0), 8 * HOUR_MS * exp(-2 * HOUR_MS / SHARE_DECAY_MS));
	sched_set_usage(s, 3, HOUR_MS, HOUR); /* In place of that. */
	assert_near(sched_usage(s, 3, HOUR), HOUR_MS);
	assert_true(sched_usage(s, 2, HOUR) == 0);
	sched_destroy(s);
}

static void too_many_submitters_share_the_last_number(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	for (uint32_t i = 0; i < SCHED_SUBMITTERS_MAX + 10; i++) {
		cleanup_free char *name = str_format("u%" PRIu32, i);
		uint32_t last = SCHED_SUBMITTERS_MAX - 1, wanted = i < last ? i : last;

		assert_int_equal(sched_submitter(s, name), wanted);
	}
	assert_int_equal(sched_submitter(s, "u7"), 7);
	sched_destroy(s);
}

/* ---- superseding ---- */

static void the_newer_inherits(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want older = sched_case_want(10), newer = sched_case_want(20), got;

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	older.start_by_ms = 5 * HOUR;
	older.weight = 3;
	older.bumped_ms = 7;
	newer.start_by_ms = 9 * HOUR;
	newer.submitter = 1;
	sched_set_want(s, 1, &older, 0);
	sched_set_want(s, 2, &newer, 0);
	sched_supersede(s, 1, 2);
	assert_false(sched_is_wanted(s, 1));
	sched_want(s, 2, &got);
	assert_int_equal(got.since_ms, 10);
	assert_int_equal(got.start_by_ms, 5 * HOUR);
	assert_int_equal(got.bumped_ms, 7);
	assert_near(got.weight, 1 + INHERITED_WEIGHT * 3);
	assert_int_equal(got.submitter, 1);
	assert_int_equal(got.jobs, 1);
	sched_supersede(s, 1, 2); /* Nobody wants it now: nothing is left to inherit. */
	sched_supersede(s, 2, 2);
	sched_want(s, 2, &got);
	assert_near(got.weight, 1 + INHERITED_WEIGHT * 3);
	sched_destroy(s);
}

static void what_is_more_urgent_in_the_newer_stays(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want older = sched_case_want(20), newer = sched_case_want(10), got;

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	older.start_by_ms = 9 * HOUR;
	newer.start_by_ms = 5 * HOUR;
	newer.bumped_ms = 7;
	sched_set_want(s, 1, &older, 0);
	sched_set_want(s, 2, &newer, 0);
	sched_supersede(s, 1, 2);
	sched_want(s, 2, &got);
	assert_int_equal(got.since_ms, 10);
	assert_int_equal(got.start_by_ms, 5 * HOUR);
	assert_int_equal(got.bumped_ms, 7);
	sched_destroy(s);
}

/* What both need serves the newer; what only the older needed, nobody. */
static void needs_of_the_older_are_let_go(void **state)
{
	struct sched *s = sched_case_begin(9, 0);

	(void)state;
	put(s, 1, HOUR, 0, NULL);
	put(s, 2, HOUR, 0, NULL);
	put(s, 3, HOUR, 1, NEEDS(1, 2));
	put(s, 4, HOUR, 1, NEEDS(2));
	sched_supersede(s, 3, 4);
	assert_false(sched_is_wanted(s, 1));
	assert_true(sched_is_wanted(s, 2));
	assert_near(score_of(s, 2), (1 + INHERITED_WEIGHT) * unlocks(1, 1, 2));
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

/* A revision a minute: the hundredth has the first one's promise and age, and less than twice the
 * weight of one. */
static void a_storm_of_revisions_keeps_the_place(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_want want = sched_case_want(0), got;

	(void)state;
	for (int64_t id = 1; id <= 100; id++) {
		sched_case_add_ready(s, id);
		want.since_ms = id * MINUTE;
		want.start_by_ms = HOUR + id * MINUTE;
		sched_set_want(s, id, &want, id * MINUTE);
		if (id > 1)
			sched_supersede(s, id - 1, id);
	}
	sched_want(s, 100, &got);
	assert_int_equal(got.since_ms, MINUTE);
	assert_int_equal(got.start_by_ms, HOUR + MINUTE);
	assert_near(got.weight, 1 / (1 - INHERITED_WEIGHT));
	sched_case_assert_starts(s, 101 * MINUTE, "100");
	sched_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order),
		cmocka_unit_test(the_score_is_weight_by_chain_and_cost),
		cmocka_unit_test(a_short_chain_counts_as_a_minute),
		cmocka_unit_test(what_is_long_loses_less_by_its_length),
		cmocka_unit_test(what_it_unlocks_is_counted_once),
		cmocka_unit_test(an_edge_that_comes_later_unlocks_too),
		cmocka_unit_test(what_is_held_or_unwanted_unlocks_nothing),
		cmocka_unit_test(it_doubles_as_its_slowdown_doubles),
		cmocka_unit_test(a_need_ages_with_what_needs_it),
		cmocka_unit_test(beyond_half_of_all_use_scores_fall),
		cmocka_unit_test(use_is_charged_and_trued_up),
		cmocka_unit_test(nobody_is_owed_anything),
		cmocka_unit_test(fetches_cost_nobody_anything),
		cmocka_unit_test(use_is_kept_over_a_restart),
		cmocka_unit_test(too_many_submitters_share_the_last_number),
		cmocka_unit_test(the_newer_inherits),
		cmocka_unit_test(what_is_more_urgent_in_the_newer_stays),
		cmocka_unit_test(needs_of_the_older_are_let_go),
		cmocka_unit_test(a_storm_of_revisions_keeps_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
