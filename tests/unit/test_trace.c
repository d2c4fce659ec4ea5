/* A data base as a trace: every byte of it. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/stats/trace.h"
#include "daemon/store/attempt.h"
#include "daemon/store/context.h"
#include "daemon/store/plan.h"
#include "daemon/store/root.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

#define HEADER "id,submit_s,work_s,package,caps,rev,branch,submitter,depends\n"
#define REV "0000000000000000000000000000000000000001"

static struct store *store_of(void **state)
{
	return ((struct store_case *)*state)->store;
}

static int64_t build(struct store *store, const char *package, int64_t wall_ms)
{
	static int n;
	cleanup_free char *drv_path = str_format("/nix/store/%032d-%s-1.0.drv", ++n, package);
	struct build_entry entry = { .drv_path = drv_path,
		.name = package,
		.package = package,
		.system = "x86_64-linux",
		.features = "",
		.outputs = "{}",
		.caps = "7.5",
		.state = wall_ms < 0 ? BUILD_READY : BUILD_DONE,
		.now_ms = 1000 };
	int64_t id;

	store_begin(store);
	id = store_build_enter(store, &entry);
	if (wall_ms >= 0)
		store_build_set_cost(store, id, wall_ms, -1);
	store_case_commit(store);
	return id;
}

static void need(struct store *store, int64_t from, int64_t to)
{
	store_begin(store);
	store_need_add(store, from, to);
	store_case_commit(store);
}

/* "fast" has speed 2.5. */
static double speed_of(void *owner, const char *builder)
{
	(void)owner;
	return strcmp(builder, "fast") == 0 ? 2.5 : 1;
}

static const struct trace_speeds speeds = { .of = speed_of };

struct asked {
	const char *attr, *caps, *rev_from, *submitter;
	int64_t build_id, at_ms;
	int priority, revision;
};

static void ask(struct store *store, const struct asked *asked)
{
	struct job_entry entry = { .attr = asked->attr,
		.context_id = store_case_context(store, asked->revision, asked->caps),
		.rev_from = asked->rev_from,
		.submitter = asked->submitter,
		.priority = asked->priority,
		.now_ms = asked->at_ms };
	struct job_entered entered;

	store_begin(store);
	store_job_enter(store, &entry, &entered);
	store_job_set_plan(store, entered.id, asked->build_id, 0, "{}");
	store_case_commit(store);
}

/* Row by row, as a slow reader gets it. */
static void assert_trace(void **state, int64_t since_ms, const char *wanted)
{
	struct csv_out out = { 0 };
	struct trace *trace;

	assert_int_equal(
		trace_make(((struct store_case *)*state)->path, since_ms, &trace, NULL), 0);
	while (trace_next(trace, store_of(state), &speeds, 1, &out))
		;
	assert_false(trace_next(trace, store_of(state), &speeds, 9, &out));
	assert_string_equal(str_text(&out.text), wanted);
	str_free(&out.text);
	trace_destroy(trace);
}

static void nothing_is_a_header(void **state)
{
	assert_trace(state, 0, HEADER);
	(void)build(store_of(state), "never", -1);
	assert_trace(state, 0, HEADER);
	assert_trace(state, 5000, HEADER);
}

static void builds_are_rows(void **state)
{
	struct store *store = store_of(state);
	int64_t blas = build(store, "openblas", 1500), magma = build(store, "magma", 60000);
	int64_t torch = build(store, "torch", 3600001), never = build(store, "never", -1);
	struct asked thin = { "magma", "8.6", "tag 24.05", "root", magma, 2000, 0, 1 };
	struct asked fat = { "torch", "8.0,8.6+PTX", "branch master", "token ci", torch, 2500, 1,
		1 };

	need(store, magma, blas);
	need(store, torch, blas);
	need(store, torch, magma);
	need(store, torch, never); /* It was valid when torch was built. */
	ask(store, &thin);
	ask(store, &fat);
	assert_trace(state, 0,
		HEADER "1,0,1.5,openblas,8.0+8.6+PTX," REV ",master,token ci,\n"
		       "2,0,60,magma,8.0+8.6+PTX," REV ",master,token ci,1\n"
		       "3,0.5,3600.001,torch,8.0+8.6+PTX," REV ",master,token ci,1;2\n");
	assert_trace(
		state, 2400, HEADER "3,0.1,3600.001,torch,8.0+8.6+PTX," REV ",master,token ci,\n");
}

static void only_branches_are_branches_and_texts_are_quoted(void **state)
{
	struct store *store = store_of(state);
	int64_t magma = build(store, "magma", 1000);
	struct asked asked = { "magma", "8.6", "tag 24.05", "a \"b\", c", magma, 3000, 0, 1 };

	ask(store, &asked);
	(void)build(store, "nobodys", 1000); /* Entered at 1000, wanted by no job. */
	assert_trace(state, 0,
		HEADER "2,0,1,nobodys,7.5,,,,\n"
		       "1,2,1,magma,8.6," REV ",,\"a \"\"b\"\", c\",\n");
}

/* The second of a revision would pass for a newer one of its branch. */
static void a_second_build_of_a_revision_supersedes_nothing(void **state)
{
	struct store *store = store_of(state);
	struct asked asked[] = {
		{ "magma", "8.6", "branch master", "ci", build(store, "magma", 1000), 2000, 0, 1 },
		{ "mkl", "8.6", "branch master", "ci", build(store, "magma", 1000), 3000, 0, 1 },
		{ "magma", "9.0", "branch master", "ci", build(store, "magma", 1000), 4000, 0, 1 },
		{ "magma", "8.6", "branch master", "ci", build(store, "magma", 1000), 5000, 0, 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		ask(store, &asked[i]);
	assert_trace(state, 0,
		HEADER "1,0,1,magma,8.6," REV ",master,ci,\n"
		       "2,1,1,magma,8.6," REV ",,ci,\n"
		       "3,2,1,magma,9.0," REV ",master,ci,\n"
		       "4,3,1,magma,8.6,0000000000000000000000000000000000000002,master,ci,\n");
}

/* ---- history ---- */

static void past_on(struct store *store, const char *builder, int64_t attempt, int64_t started_at,
	int64_t wall_ms, const char *outcome)
{
	struct history_entry entry = { .attempt_id = attempt,
		.drv_path = "d",
		.package = "torch",
		.system = "x86_64-linux",
		.caps = "8.0,9.0a",
		.machine = "",
		.builder = builder,
		.started_at = started_at,
		.wall_ms = wall_ms,
		.core_ms = -1,
		.output_bytes = -1,
		.outcome = outcome };

	store_begin(store);
	(void)store_history_add(store, &entry);
	store_case_commit(store);
}

static void past(struct store *store, int64_t attempt, int64_t started_at, int64_t wall_ms,
	const char *outcome)
{
	past_on(store, "local", attempt, started_at, wall_ms, outcome);
}

static void assert_history(void **state, int64_t since_ms, int max, const char *wanted)
{
	struct trace_history history = { .since_ms = since_ms };
	struct csv_out out = { 0 };

	while (trace_history_next(&history, store_of(state), &speeds, max, &out))
		;
	assert_false(trace_history_next(&history, store_of(state), &speeds, max, &out));
	assert_string_equal(str_text(&out.text), wanted);
	str_free(&out.text);
}

static void what_had_been_built_before(void **state)
{
	struct store *store = store_of(state);
	int64_t id = build(store, "torch", 1000), attempt;

	store_begin(store);
	attempt = store_attempt_start(store, id, 1, "local", 1000);
	store_case_commit(store);
	past(store, attempt, 1000, 2000, "built");
	past(store, attempt, 2000, 500, "failed");
	past(store, attempt, 3000, 7000, "built"); /* It ends then. */
	past(store, attempt, 3000, 7001, "built"); /* It had not ended. */
	past(store, attempt, 4000, 1500, "built"); /* Of the same run. */
	past(store, attempt, 10000, 1, "built");
	past(store, attempt, 5000, 1, "built"); /* Not known yet, by the order of rows. */
	for (int max = 1; max < 10; max++) {
		assert_history(state, 10000, max,
			"package,caps,work_s,age_s\ntorch,8.0+9.0a,2,7\ntorch,8.0+9.0a,7,0\n"
			"torch,8.0+9.0a,1.5,4.5\n");
		assert_history(state, 0, max, "package,caps,work_s,age_s\n");
	}
}

static void work_is_that_of_a_builder_of_speed_one(void **state)
{
	struct store *store = store_of(state);
	int64_t id = build(store, "torch", 2000), attempt;

	store_begin(store);
	attempt = store_attempt_start(store, id, 1, "fast", 1000);
	store_build_set_attempt(store, id, 1, "fast", store_root_new(store, 1000), 1000);
	store_case_commit(store);
	past_on(store, "fast", attempt, 1000, 2000, "built");
	past_on(store, "slow", attempt, 1000, 2000, "built");
	assert_trace(state, 0, HEADER "1,0,5,torch,7.5,,,,\n");
	assert_history(state, 3000, 9,
		"package,caps,work_s,age_s\ntorch,8.0+9.0a,5,0\ntorch,8.0+9.0a,2,0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_a_header),
		TEST(builds_are_rows),
		TEST(only_branches_are_branches_and_texts_are_quoted),
		TEST(a_second_build_of_a_revision_supersedes_nothing),
		TEST(what_had_been_built_before),
		TEST(work_is_that_of_a_builder_of_speed_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
