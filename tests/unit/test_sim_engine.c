/* Time, simulated: stories of small traces, and what nobody may know before its time. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/sim_case.h"

struct story {
	const char *policy, *rows, *story;
	uint32_t slots;
};

static void check_stories(const struct story *stories, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *got =
			sim_case_run(stories[i].rows, stories[i].slots, stories[i].policy);

		assert_string_equal(got, stories[i].story);
	}
}

static void test_time(void **state)
{
	static const struct story stories[] = {
		/* Two slots; the one that is free first is taken. */
		{ "fifo", "1,0,10,a,,,,u,\n2,0,20,b,,,,u,\n3,1,5,c,,,,u,\n",
			"1@0-10/0 2@0-20/1 3@10-15/0", 2 },
		/* What needs another waits for it, in its place. */
		{ "fifo", "1,0,10,a,,,,u,\n2,0,5,b,,,,u,1\n3,0,5,c,,,,u,\n",
			"1@0-10/0 3@0-5/1 2@10-15/0", 2 },
		/* At one moment builds end, others come, then one starts: the slot is free for 2.
		 */
		{ "sjf", "1,0,10,a,,,,u,\n2,10,9,a,,,,u,\n3,10,8,b,,,,u,\n",
			"1@0-10/0 2@10-19/0 3@19-27/0", 1 },
		/* A build that takes no time. */
		{ "fifo", "1,3,0,a,,,,u,\n2,3,0,b,,,,u,1\n", "1@3-3/0 2@3-3/0", 1 },
		{ "spr", "1,3,0,a,,,,u,\n2,3,0,b,,,,u,1\n", "1@3-3/0 2@3-3/0", 1 },
	};

	(void)state;
	check_stories(stories, ARRAY_LEN(stories));
}

static void test_superseding(void **state)
{
	static const struct story stories[] = {
		/* 2 waits and is superseded by 3; 1 runs and goes on. */
		{ "fifo",
			"1,0,10,a,,r1,m,u,\n2,1,10,b,,r1,m,u,\n3,2,10,b,,r2,m,u,\n4,3,9,a,,r2,m,u,\n",
			"1@0-10/0 3@10-20/0 4@20-29/0", 1 },
		/* 2 is superseded, but 3 waits for it. */
		{ "fifo",
			"1,0,10,x,,r1,m,u,\n2,1,10,b,,r1,m,u,\n3,1,7,c,,r1,m,u,2\n4,2,5,b,,r2,m,u,\n",
			"1@0-10/0 2@10-20/0 3@20-27/0 4@27-32/0", 1 },
		/* 3 is superseded as well, and so 2 leaves with it. */
		{ "fifo",
			"1,0,10,x,,r1,m,u,\n2,1,10,b,,r1,m,u,\n3,1,7,c,,r1,m,u,2\n4,2,5,b,,r2,m,u,\n"
			"5,2,6,c,,r2,m,u,4\n",
			"1@0-10/0 4@10-15/0 5@15-21/0", 1 },
		/* 2 left, and comes back because 4 needs it, and so does what it needs, 1. */
		{ "fifo",
			"0,0,10,x,,,,u,\n1,1,3,a,,r1,m,u,\n2,1,4,b,,r1,m,u,1\n3,2,5,b,,r2,m,u,\n"
			"9,2,5,a,,r2,m,u,\n4,3,6,c,,,,u,2\n",
			"0@0-10/0 1@10-13/0 2@13-17/0 3@17-22/0 9@22-27/0 4@27-33/0", 1 },
	};

	(void)state;
	check_stories(stories, ARRAY_LEN(stories));
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) { /* The same builds run with spr. */
		cleanup_free char *got = sim_case_run(stories[i].rows, 1, "spr");

		assert_int_equal(strlen(got), strlen(stories[i].story));
	}
}

static void test_builders(void **state)
{
	static const char text[] = "id,submit_s,work_s,package,system,features\n"
				   "1,0,10,a,arm,\n2,0,10,b,,big\n3,0,10,c,x86,\n4,0,10,d,x86,\n";
	static const char *const policies[] = { "fifo", "spr" };
	static const char farm_text[] = "name,slots,speed,systems,features\n"
					"slow,1,0.5,arm x86,\nfast,1,2,x86,big\n";
	struct err err = { 0 };
	struct trace trace;
	struct farm farm = { 0 };
	struct csv csv;

	(void)state;
	assert_int_equal(csv_parse(&csv, "farm", farm_text, sizeof farm_text - 1, &err), 0);
	assert_int_equal(farm_read_csv(&farm, &csv, &err), 0);
	assert_int_equal(trace_parse(&trace, text, sizeof text - 1, NULL, 0, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		cleanup_free char *story = NULL;
		struct sim_result result;

		sim_case_play(&trace, &farm, policies[i], &result);
		story = sim_case_story(&trace, &result);
		assert_string_equal(story, "1@0-20/0 2@0-5/1 3@5-10/1 4@10-15/1");
		sim_result_finish(&result);
	}
	trace_finish(&trace);
	farm_finish(&farm);
	csv_finish(&csv);
}

static void test_no_builder(void **state)
{
	static const char text[] = "id,submit_s,work_s,package,features\n1,0,10,a,kvm\n";
	struct sim_setup setup = { 0 };
	struct sim_result result;
	struct err err = { 0 };
	struct knobs knobs;
	struct trace trace;
	struct farm farm;

	(void)state;
	assert_int_equal(trace_parse(&trace, text, sizeof text - 1, NULL, 0, &err), 0);
	assert_int_equal(knobs_init(&knobs, NULL, &err), 0);
	farm_init(&farm, 1);
	setup = (struct sim_setup){
		.trace = &trace, .farm = &farm, .policy = policy_classes[0], .knobs = &knobs
	};
	assert_int_equal(sim_run(&setup, &result, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "no builder can build 1: system '', features 'kvm'");
	knobs_finish(&knobs);
	farm_finish(&farm);
	trace_finish(&trace);
}

/* ---- the future ---- */

/* The same until `at_ms`: what comes later does not come at all, and what had not ended by then
 * takes much longer. */
static void change_future(struct trace *trace, const struct sim_result *result, int64_t at_ms)
{
	for (size_t i = 0; i < trace->n; i++)
		if (result->builds[i].end_ms == NEVER_RAN || result->builds[i].end_ms >= at_ms)
			trace->work_ms[i] = 3 * trace->work_ms[i] + 1000000;
	while (trace->n > 0 && trace->rows[trace->n - 1].submit_ms >= at_ms)
		trace->n--;
}

static void compare_past(const struct trace *trace, const struct sim_result *first,
	const struct sim_result *second, int64_t at_ms)
{
	size_t i = 0;

	for (; i < first->n_ran && first->builds[first->order[i]].start_ms < at_ms; i++) {
		const struct sim_build_result *a = &first->builds[first->order[i]];
		const struct sim_build_result *b = &second->builds[second->order[i]];

		assert_int_equal(first->order[i], second->order[i]);
		assert_int_equal(a->start_ms, b->start_ms);
		assert_int_equal(a->slot, b->slot);
		assert_int_equal(a->is_promised, b->is_promised);
	}
	assert_true(i > 0 && trace->n > 0);
	assert_true(i == second->n_ran || second->builds[second->order[i]].start_ms >= at_ms);
}

static void try_future(const char *policy, size_t part)
{
	struct sim_result first, second;
	struct trace trace, changed;
	struct farm farm;
	int64_t at_ms;
	size_t n;

	sim_case_fixture(&trace, "m2_small");
	sim_case_fixture(&changed, "m2_small");
	farm_init(&farm, 2);
	n = changed.n;
	at_ms = trace.rows[trace.n * part / 10].submit_ms;
	sim_case_play(&trace, &farm, policy, &first);
	change_future(&changed, &first, at_ms);
	sim_case_play(&changed, &farm, policy, &second);
	compare_past(&changed, &first, &second, at_ms);
	changed.n = n;
	sim_result_finish(&first);
	sim_result_finish(&second);
	farm_finish(&farm);
	trace_finish(&trace);
	trace_finish(&changed);
}

static void test_future(void **state)
{
	(void)state;
	for (size_t i = 0; policy_classes[i] != NULL; i++)
		for (size_t part = 3; part < 10; part += 2)
			try_future(policy_classes[i]->name, part);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_superseding),
		cmocka_unit_test(test_builders),
		cmocka_unit_test(test_no_builder),
		cmocka_unit_test(test_future),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
