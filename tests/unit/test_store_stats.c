/* Reading the data base beside who writes it: a snapshot, and the newest rows for sums. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/stats/stats.h"
#include "daemon/store/attempt.h"
#include "daemon/store/stats.h"
#include "daemon/store/want.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static struct store *store_of(void **state)
{
	return ((struct store_case *)*state)->store;
}

static struct store *snapshot_of(void **state)
{
	struct store *snapshot;
	struct err err = { 0 };

	if (store_open_snapshot(((struct store_case *)*state)->path, &snapshot, &err) < 0)
		fail_msg("%s", err.text);
	return snapshot;
}

/* ---- the snapshot ---- */

static void it_stays_as_it_was(void **state)
{
	struct store *snapshot = snapshot_of(state);
	struct job job;

	assert_false(store_job_get(snapshot, 1, &job)); /* The moment is when it is first read. */
	(void)store_case_job(
		store_of(state), "torch", store_case_context(store_of(state), 1, "8.6"));
	assert_false(store_job_get(snapshot, 1, &job));
	assert_false(store_failed(snapshot));
	store_close(snapshot);
	snapshot = snapshot_of(state);
	assert_true(store_job_get(snapshot, 1, &job));
	job_finish(&job);
	store_close(snapshot);
}

static void nothing_can_be_written_over_it(void **state)
{
	struct store *snapshot = snapshot_of(state);

	store_set_draining(snapshot, true);
	assert_true(store_failed(snapshot));
	store_close(snapshot);
	assert_false(store_is_draining(store_of(state)));
}

static void what_is_not_there_is_an_error(void **state)
{
	struct store *snapshot = NULL;
	struct err err = { 0 };

	(void)state;
	assert_true(store_open_snapshot("/nonexistent/capqd.sqlite", &snapshot, &err) < 0);
	assert_null(snapshot);
	assert_true(err.text[0] != '\0');
}

/* ---- runs ---- */

static int64_t start(struct store *store, int64_t build, const char *basis)
{
	static int number;
	struct start start = {
		.rule = "score", .estimate_ms = 60000, .estimate_p90_ms = 90000, .basis = basis
	};
	int64_t id;

	store_begin(store);
	id = store_attempt_start(store, build, ++number, "local", 1000);
	if (basis != NULL)
		store_start_add(store, id, &start);
	store_case_commit(store);
	return id;
}

static void add_run(struct store *store, int64_t attempt, bool is_ride, int64_t wall_ms)
{
	struct history_entry entry = { .attempt_id = attempt,
		.drv_path = "d",
		.package = "torch",
		.system = "x86_64-linux",
		.caps = "8.6",
		.machine = "",
		.builder = "local",
		.is_ride = is_ride,
		.started_at = 5000,
		.wall_ms = wall_ms,
		.core_ms = -1,
		.output_bytes = -1,
		.outcome = "built" };

	store_begin(store);
	(void)store_history_add(store, &entry);
	store_case_commit(store);
}

static void note_run(void *owner, const struct stats_run *run)
{
	str_addf(owner, " %" PRId64 ":%s:%" PRId64, run->wall_ms,
		run->basis != NULL ? run->basis : "-", run->estimate_ms);
	assert_string_equal(run->package, "torch");
	assert_string_equal(run->caps, "8.6");
	assert_string_equal(run->outcome, "built");
	assert_int_equal(run->started_at, 5000);
}

/* What was expected was expected of the build's own derivation. */
static void runs_come_with_what_was_expected(void **state)
{
	struct store *store = store_of(state);
	int64_t build = store_case_build(store, "torch-2.5.1", BUILD_DONE);
	int64_t attempt = start(store, build, "other-sets");
	cleanup_str struct str all = { 0 }, some = { 0 };

	add_run(store, start(store, build, NULL), false, 1);
	add_run(store, attempt, true, 2);
	add_run(store, attempt, false, 3);
	store_stats_runs(store, 10, note_run, &all);
	assert_string_equal(str_text(&all), " 3:other-sets:60000 2:-:0 1:-:0");
	store_stats_runs(store, 2, note_run, &some);
	assert_string_equal(str_text(&some), " 3:other-sets:60000 2:-:0");
}

/* ---- jobs ---- */

static void note_job(void *owner, const struct stats_job *job)
{
	str_addf(owner, " %s:%s:%" PRId64 ":%" PRId64 ":%" PRId64, job->caps,
		job_state_name(job->state), job->chain_ms, job->start_by, job->wall_ms);
}

static void jobs_come_with_promise_and_build(void **state)
{
	struct store *store = store_of(state);
	int64_t job = store_case_job(store, "torch", store_case_context(store, 1, "8.6"));
	int64_t build = store_case_build(store, "torch-2.5.1", BUILD_READY);
	struct promise promise = { .since_at = 1000, .start_by = 7000, .chain_ms = 60000 };
	cleanup_str struct str done = { 0 }, waiting = { 0 }, one = { 0 };

	store_begin(store);
	store_job_set_plan(store, job, build, 0, "{}");
	store_promise(store, build, &promise);
	store_build_set_cost(store, build, 45000, -1);
	store_case_commit(store);
	store_case_set_state(store, job, JOB_DONE);
	job = store_case_job(store, "torch", store_case_context(store, 1, "8.0,8.6"));
	store_case_set_state(store, job, JOB_DONE);
	store_stats_jobs(store, JOB_DONE, 10, note_job, &done);
	assert_string_equal(str_text(&done), " 8.0,8.6:done:0:0:-1 8.6:done:60000:7000:45000");
	store_stats_jobs(store, JOB_DONE, 1, note_job, &one);
	assert_string_equal(str_text(&one), " 8.0,8.6:done:0:0:-1");
	store_stats_jobs(store, JOB_WAITING, 10, note_job, &waiting);
	assert_string_equal(str_text(&waiting), "");
}

/* ---- all together ---- */

static void sums_of_a_data_base(void **state)
{
	struct store_case *c = *state;
	int64_t build = store_case_build(c->store, "torch-2.5.1", BUILD_DONE);
	struct json_out out = { 0 };
	struct json *json = NULL;
	int64_t n;

	add_run(c->store, start(c->store, build, "set"), false, 60000);
	json_out_object(&out, NULL);
	assert_int_equal(stats_make(c->path, INT64_C(1700000000000), &out, NULL), 0);
	json_out_end_object(&out);
	assert_int_equal(json_parse(out.text.text, out.text.len, &json, NULL), 0);
	assert_string_equal(json_text(json_get(json, "at")), "2023-11-14T22:13:20.000Z");
	assert_true(json_int(json_get(json_first(json_get(json, "accuracy")), "n"), &n));
	assert_int_equal(n, 1);
	assert_int_equal(json_count(json_get(json, "history")), 1);
	assert_int_equal(json_count(json_get(json, "promises")), 3);
	json_free(json);
	str_free(&out.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_stays_as_it_was),
		TEST(nothing_can_be_written_over_it),
		TEST(what_is_not_there_is_an_error),
		TEST(runs_come_with_what_was_expected),
		TEST(jobs_come_with_promise_and_build),
		TEST(sums_of_a_data_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
