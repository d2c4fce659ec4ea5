/* The states of jobs and builds, and the end of a record. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/job.h"
#include "lib/mem.h"

static void job_states(void **state)
{
	static const struct {
		const char *name;
		bool is_final;
	} cases[JOB_STATES] = {
		[JOB_EVALUATING] = { "evaluating", false },
		[JOB_PLANNING] = { "planning", false },
		[JOB_WAITING] = { "waiting", false },
		[JOB_PUSHING] = { "pushing", false },
		[JOB_DONE] = { "done", true },
		[JOB_ON_HOLD] = { "on_hold", false },
		[JOB_FAILED] = { "failed", true },
		[JOB_CANCELLED] = { "cancelled", true },
		[JOB_SUPERSEDED] = { "superseded", true },
	};
	enum job_state found;

	(void)state;
	for (int i = 0; i < JOB_STATES; i++) {
		assert_string_equal(job_state_name((enum job_state)i), cases[i].name);
		assert_true(job_state_from_name(cases[i].name, &found));
		assert_int_equal(found, i);
		assert_int_equal(job_state_is_final((enum job_state)i), cases[i].is_final);
	}
	found = JOB_DONE;
	assert_false(job_state_from_name("ready", &found)); /* Of a build. */
	assert_false(job_state_from_name("", &found));
	assert_false(job_state_from_name(NULL, &found));
	assert_int_equal(found, JOB_DONE);
}

static void build_states(void **state)
{
	static const struct {
		const char *name;
		bool is_final;
	} cases[BUILD_STATES] = {
		[BUILD_BLOCKED] = { "blocked", false },
		[BUILD_READY] = { "ready", false },
		[BUILD_BUILDING] = { "building", false },
		[BUILD_VERIFYING] = { "verifying", false },
		[BUILD_PUSHING] = { "pushing", false },
		[BUILD_DONE] = { "done", true },
		[BUILD_FAILED] = { "failed", true },
	};
	enum build_state found;

	(void)state;
	for (int i = 0; i < BUILD_STATES; i++) {
		assert_string_equal(build_state_name((enum build_state)i), cases[i].name);
		assert_true(build_state_from_name(cases[i].name, &found));
		assert_int_equal(found, i);
		assert_int_equal(build_state_is_final((enum build_state)i), cases[i].is_final);
	}
	found = BUILD_DONE;
	assert_false(build_state_from_name("waiting", &found)); /* Of a job. */
	assert_false(build_state_from_name(NULL, &found));
	assert_int_equal(found, BUILD_DONE);
}

/* Every string is freed (ASan and valgrind look), and a record can be finished twice. */
static void records_are_freed(void **state)
{
	struct job job = {
		.id = 1,
		.attr = xstrdup("a"),
		.caps = xstrdup("8.6"),
		.flavour = xstrdup("default"),
		.rev = xstrdup("r"),
		.rev_from = xstrdup("hash"),
		.system = xstrdup("s"),
		.submitter = xstrdup("root"),
		.reason = xstrdup("why"),
		.drv_path = xstrdup("d"),
		.outputs = xstrdup("{}"),
	};
	struct build build = {
		.id = 1,
		.drv_path = xstrdup("d"),
		.name = xstrdup("n"),
		.system = xstrdup("s"),
		.features = xstrdup(""),
		.outputs = xstrdup("{}"),
		.reason = xstrdup("why"),
		.builder = xstrdup("local"),
	};

	(void)state;
	job_finish(&job);
	assert_int_equal(job.id, 0);
	assert_null(job.attr);
	job_finish(&job);
	build_finish(&build);
	assert_int_equal(build.id, 0);
	assert_null(build.name);
	build_finish(&build);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_states),
		cmocka_unit_test(build_states),
		cmocka_unit_test(records_are_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
