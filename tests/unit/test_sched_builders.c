/* Builders, lanes, time and batches: where and when something starts. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/support/sched_case.h"

static void lanes_have_slots_of_their_own(void **state)
{
	struct sched *s = sched_case_begin(1, 2);
	struct sched_build fetch = sched_case_build(0, MINUTE);
	struct sched_want want = sched_case_want(99);

	(void)state;
	sched_case_add_ready(s, 1);
	sched_case_add_ready(s, 2);
	fetch.lane = SCHED_FETCH;
	for (fetch.id = 3; fetch.id <= 5; fetch.id++)
		sched_case_put(s, &fetch, &want, NULL);
	sched_case_assert_starts(s, 0, "3 4 1");
	assert_int_equal(sched_running(s, 0, SCHED_BUILD), 1);
	assert_int_equal(sched_running(s, 0, SCHED_FETCH), 2);
	sched_case_built(s, 1, 0);
	sched_case_assert_starts(s, 0, "2");
	sched_destroy(s);
}

#define BIG 0
#define SMALL 1

static void set_two_builders(struct sched *s, uint32_t big_slots, double big_speed)
{
	struct sched_builder two[2] = {
		{ .name = "big", .slots = { big_slots, 1 }, .speed = big_speed },
		{ .name = "small", .slots = { 2, 1 }, .speed = 1 },
	};
	uint32_t system;

	assert_int_equal(sched_system(s, "x86_64-linux", &system, NULL), 0);
	two[BIG].systems = two[SMALL].systems = 1u << system;
	assert_int_equal(sched_system(s, "aarch64-linux", &system, NULL), 0);
	two[SMALL].systems |= 1u << system;
	assert_int_equal(sched_features(s, "kvm big-parallel", &two[BIG].features, NULL), 0);
	assert_int_equal(sched_features(s, "kvm", &two[SMALL].features, NULL), 0);
	sched_set_builders(s, two, 2);
}

static void add_for(struct sched *s, int64_t id, const char *system, const char *features)
{
	struct sched_build build = sched_case_build(id, 10 * MINUTE);
	struct sched_want want = sched_case_want(id);

	assert_int_equal(sched_system(s, system, &build.system, NULL), 0);
	assert_int_equal(sched_features(s, features, &build.features, NULL), 0);
	sched_case_put(s, &build, &want, NULL);
}

static void systems_and_features_choose_the_builder(void **state)
{
	static const struct {
		const char *system, *features, *starts;
	} cases[] = {
		{ "x86_64-linux", "", "1@big" },
		{ "x86_64-linux", "kvm", "1@big" },
		{ "x86_64-linux", " big-parallel\tkvm\n", "1@big" },
		{ "aarch64-linux", "", "1@small" },
		{ "aarch64-linux", "kvm", "1@small" },
		{ "aarch64-linux", "big-parallel", "" },
		{ "x86_64-linux", "cuda", "" },
		{ "riscv64-linux", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_create();
		struct sched_why why;

		set_two_builders(s, 2, 1);
		add_for(s, 1, cases[i].system, cases[i].features);
		sched_why(s, 1, 0, &why);
		assert_int_equal(why.rule,
			cases[i].starts[0] == '\0' ? SCHED_WHY_NO_BUILDER : SCHED_WHY_NEXT);
		sched_case_assert_starts(s, 0, cases[i].starts);
		sched_destroy(s);
	}
}

static void the_least_loaded_for_its_speed_is_taken(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	set_two_builders(s, 8, 3);
	for (int64_t id = 1; id <= 6; id++)
		add_for(s, id, "x86_64-linux", "");
	/* big: 1/3, 2/3, 3/3, then 4/3 against 1 of small; at the same load the first one. */
	sched_case_assert_starts(s, 0, "1@big 2@big 3@big 4@small 5@big 6@big");
	sched_destroy(s);
}

/* What does not fit a free slot does not stop what does. */
static void a_blocked_head_lets_others_pass(void **state)
{
	struct sched *s = sched_create();

	(void)state;
	set_two_builders(s, 1, 1);
	add_for(s, 1, "x86_64-linux", "big-parallel");
	add_for(s, 2, "x86_64-linux", "big-parallel");
	add_for(s, 3, "aarch64-linux", "");
	sched_case_assert_starts(s, 0, "1@big 3@small");
	sched_destroy(s);
}

static void builders_that_go_end_what_they_run(void **state)
{
	struct sched *s = sched_create();
	struct sched_builder small = { .name = "small", .systems = 3, .slots = { 1, 1 } };

	(void)state;
	set_two_builders(s, 2, 1);
	for (int64_t id = 1; id <= 6; id++)
		add_for(s, id, "x86_64-linux", "");
	sched_case_assert_starts(s, 0, "1@big 2@small 3@big 4@small");
	sched_set_builders(s, &small, 1);
	assert_string_equal(sched_builder_name(s, BIG), "big"); /* The index keeps its meaning. */
	assert_int_equal(sched_running(s, BIG, SCHED_BUILD), 2);
	sched_case_assert_starts(s, 0, "");
	sched_case_built(s, 1, 0);
	sched_case_built(s, 2, 0);
	sched_case_assert_starts(s, 0, ""); /* small has one slot now, and 4 is in it. */
	sched_case_built(s, 4, 0);
	sched_case_assert_starts(s, 0, "5@small");
	set_two_builders(s, 2, 1);
	sched_case_assert_starts(
		s, 0, "6@big"); /* As 3 still runs there: at the same load the first one. */
	sched_destroy(s);
}

static void too_many_names_are_refused(void **state)
{
	struct sched *s = sched_create();
	struct err err = { 0 };
	uint32_t system;
	uint64_t features;
	char name[16];

	(void)state;
	for (int i = 0; i < 32; i++) {
		(void)snprintf(name, sizeof name, "system-%d", i);
		assert_int_equal(sched_system(s, name, &system, &err), 0);
		assert_int_equal(system, i);
	}
	assert_int_equal(sched_system(s, "system-0", &system, &err), 0);
	assert_int_equal(sched_system(s, "one-more", &system, &err), CAPQ_ETOOBIG);
	for (int i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof name, "f%d", i);
		assert_int_equal(sched_features(s, name, &features, &err), 0);
		assert_true(features == UINT64_C(1) << i);
	}
	assert_int_equal(sched_features(s, "f0 f63", &features, &err), 0);
	assert_true(features == (UINT64_C(1) | UINT64_C(1) << 63));
	assert_int_equal(sched_features(s, "f0 one-more", &features, &err), CAPQ_ETOOBIG);
	sched_destroy(s);
}

/* ---- time ---- */

static void not_before_its_time(void **state)
{
	struct sched *s = sched_case_begin(2, 0);
	struct sched_decision decision;

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NULL);
	sched_decide(s, 0, &decision);
	assert_true(decision.ask_again_ms == INT64_MAX);
	sched_set_ready(s, 1, 500);
	sched_set_ready(s, 2, 400);
	sched_decide(s, 399, &decision);
	assert_int_equal(decision.n, 0);
	assert_int_equal(decision.ask_again_ms, 400);
	sched_case_assert_starts(s, 400, "2");
	sched_case_assert_starts(s, 499, "");
	sched_case_assert_starts(s, 500, "1");
	sched_destroy(s);
}

/* ---- batches ---- */

static void add_cheap(struct sched *s, int64_t id, double cost_ms)
{
	struct sched_build build = sched_case_build(id, cost_ms);
	struct sched_want want = sched_case_want(id);

	sched_case_put(s, &build, &want, NULL);
}

static void cheap_ones_share_a_slot(void **state)
{
	static const struct {
		const char *what;
		uint32_t slots;
		struct sched_batching batching;
		double costs[6]; /* Up to the first -1. */
		const char *starts;
	} cases[] = {
		{ "no batches", 1, { 0, 9 }, { 1, 1, 1, -1 }, "1" },
		{ "as many as may", 1, { 10, 2 }, { 1, 1, 1, -1 }, "1+2" },
		{ "all that are there", 1, { 10, 9 }, { 1, 1, 1, -1 }, "1+2+3" },
		{ "free slots get their share", 2, { 10, 9 }, { 1, 1, 1, 1, 1, -1 }, "1+2+3 4+5" },
		{ "a slot each", 5, { 10, 9 }, { 1, 1, 1, -1 }, "1 2 3" },
		{ "just as much is not less", 2, { 10, 9 }, { 10, 10, -1 }, "1 2" },
		{ "cheap is what is estimated, the cheapest first", 1, { 10, 9 }, { 3, 2, 1, -1 },
			"3+2+1" },
		{ "a dear one comes later", 1, { 10, 9 }, { 1, 99, 1, 1, -1 }, "1+3+4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sched *s = sched_case_begin(cases[i].slots, 0);
		cleanup_free char *got = NULL;

		sched_set_batching(s, cases[i].batching);
		for (int k = 0; cases[i].costs[k] >= 0; k++)
			add_cheap(s, k + 1, cases[i].costs[k]);
		got = sched_case_start_all(s, 0);
		if (strcmp(got, cases[i].starts) != 0)
			fail_msg("%s: %s, not %s", cases[i].what, got, cases[i].starts);
		sched_destroy(s);
	}
}

static void the_slot_is_free_when_the_last_of_a_batch_left(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct sched_decision decision;

	(void)state;
	sched_set_batching(s, (struct sched_batching){ .cost_ms = 10, .max = 2 });
	for (int64_t id = 1; id <= 4; id++)
		add_cheap(s, id, 1);
	sched_decide(s, 0, &decision);
	assert_int_equal(decision.runner_up, 3); /* What is not in the batch. */
	sched_case_assert_starts(s, 0, "1+2");
	sched_case_built(s, 2, 0);
	sched_case_assert_starts(s, 0, "");
	sched_requeue(s, 1, 0);
	sched_set_ready(s, 1, 0);
	sched_case_assert_starts(s, 0, "1+3");
	sched_destroy(s);
}

static void a_cost_that_is_learned_counts(void **state)
{
	struct sched *s = sched_case_begin(1, 0);

	(void)state;
	sched_set_batching(s, (struct sched_batching){ .cost_ms = 10, .max = 9 });
	add_cheap(s, 1, 11);
	add_cheap(s, 2, 1);
	sched_set_cost(s, 1, 2, 0.1);
	sched_case_assert_starts(s, 0, "2+1");
	sched_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_have_slots_of_their_own),
		cmocka_unit_test(systems_and_features_choose_the_builder),
		cmocka_unit_test(the_least_loaded_for_its_speed_is_taken),
		cmocka_unit_test(a_blocked_head_lets_others_pass),
		cmocka_unit_test(builders_that_go_end_what_they_run),
		cmocka_unit_test(too_many_names_are_refused),
		cmocka_unit_test(not_before_its_time),
		cmocka_unit_test(cheap_ones_share_a_slot),
		cmocka_unit_test(the_slot_is_free_when_the_last_of_a_batch_left),
		cmocka_unit_test(a_cost_that_is_learned_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
