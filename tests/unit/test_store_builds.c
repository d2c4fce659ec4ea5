/* Builds, what they need, their attempts and roots, and events. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/attempt.h"
#include "daemon/store/context.h"
#include "daemon/store/event.h"
#include "daemon/store/plan.h"
#include "daemon/store/root.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static struct store *store_of(void **state)
{
	return ((struct store_case *)*state)->store;
}

static void change(struct store *store, int64_t id, const struct build_change *to)
{
	store_begin(store);
	store_build_change(store, id, to);
	store_case_commit(store);
}

static void set_build_state(struct store *store, int64_t id, enum build_state state)
{
	change(store, id, &(struct build_change){ .state = state, .now_ms = 5000 });
}

static void add_need(struct store *store, int64_t build, int64_t need)
{
	store_begin(store);
	store_need_add(store, build, need);
	store_case_commit(store);
}

/* ---- builds ---- */

static void a_change_keeps_nothing_of_the_one_before(void **state)
{
	struct store *store = store_of(state);
	int64_t id = store_case_build(store, "torch-2.5.1", BUILD_BLOCKED);
	struct build_change fails = { .state = BUILD_READY,
		.failure = FAILURE_NETWORK,
		.reason = "no route",
		.tries = 2,
		.not_before = 9000,
		.now_ms = 8000 };
	struct build build;

	change(store, id, &fails);
	assert_true(store_build_get(store, id, &build));
	assert_int_equal(build.state, BUILD_READY);
	assert_int_equal(build.failure, FAILURE_NETWORK);
	assert_string_equal(build.reason, "no route");
	assert_int_equal(build.tries, 2);
	assert_int_equal(build.not_before, 9000);
	assert_int_equal(build.ready_at, 8000);
	build_finish(&build);
	change(store, id, &(struct build_change){ .state = BUILD_DONE, .now_ms = 9500 });
	assert_true(store_build_get(store, id, &build));
	assert_int_equal(build.failure, FAILURE_NONE);
	assert_null(build.reason);
	assert_int_equal(build.tries, 0);
	assert_int_equal(build.not_before, 0);
	assert_int_equal(build.finished_at, 9500);
	build_finish(&build);
	change(store, id, &(struct build_change){ .state = BUILD_READY, .now_ms = 9600 });
	assert_true(store_build_get(store, id, &build));
	assert_int_equal(build.finished_at, 0); /* Wanted again. */
	build_finish(&build);
}

static void a_build_is_found_by_its_derivation(void **state)
{
	struct store *store = store_of(state);
	int64_t id = store_case_build(store, "torch-2.5.1", BUILD_FAILED);
	struct build_key key;

	assert_true(store_build_find(
		store, "/nix/store/00000000000000000000000000000000-torch-2.5.1.drv", &key));
	assert_int_equal(key.id, id);
	assert_int_equal(key.state, BUILD_FAILED);
	assert_true(key.is_trusted);
	assert_false(store_build_find(
		store, "/nix/store/00000000000000000000000000000000-torch.drv", &key));
}

static void pages_of_builds_go_down_by_state(void **state)
{
	struct store *store = store_of(state);
	cleanup_str struct str all = { 0 }, some = { 0 };
	int64_t next, counts[BUILD_STATES];

	for (int i = 0; i < BUILD_STATES; i++) {
		cleanup_free char *name = str_format("a-%d", i);

		(void)store_case_build(store, name, (enum build_state)i);
	}
	next = store_builds_page(store, 0, 0, 4, store_case_note_build, &all);
	assert_int_equal(next, 4);
	assert_int_equal(store_builds_page(store, 0, next, 4, store_case_note_build, &all), 0);
	assert_string_equal(str_text(&all), " 7 6 5 4 3 2 1");
	(void)store_builds_page(
		store, 1 << BUILD_DONE | 1 << BUILD_READY, 0, 9, store_case_note_build, &some);
	assert_string_equal(str_text(&some), " 6 2");
	store_builds_count(store, counts);
	for (int i = 0; i < BUILD_STATES; i++)
		assert_int_equal(counts[i], 1);
}

/* ---- needs ---- */

static void note_neighbour(void *owner, int64_t id, enum build_state state)
{
	str_addf(owner, " %" PRId64 ":%s", id, build_state_name(state));
}

static void note_edge(void *owner, int64_t build, int64_t need)
{
	str_addf(owner, " %" PRId64 "->%" PRId64, build, need);
}

/* 4 needs 2 and 3, which need 1. */
static void make_diamond(struct store *store)
{
	for (int i = 1; i <= 4; i++) {
		cleanup_free char *name = str_format("a-%d", i);

		(void)store_case_build(store, name, i == 1 ? BUILD_READY : BUILD_BLOCKED);
	}
	add_need(store, 2, 1);
	add_need(store, 3, 1);
	add_need(store, 4, 2);
	add_need(store, 4, 3);
	add_need(store, 4, 3); /* Twice is once. */
}

static void needs_of_a_diamond(void **state)
{
	struct store *store = store_of(state);
	cleanup_str struct str needs = { 0 }, dependents = { 0 }, closure = { 0 }, cut = { 0 };
	cleanup_str struct str edges = { 0 }, fewer = { 0 };

	make_diamond(store);
	store_needs_of(store, 4, note_neighbour, &needs);
	assert_string_equal(str_text(&needs), " 2:blocked 3:blocked");
	store_dependents_of(store, 1, note_neighbour, &dependents);
	assert_string_equal(str_text(&dependents), " 2:blocked 3:blocked");
	store_needs_closure(store, 4, 99, store_case_note_build, &closure);
	assert_string_equal(str_text(&closure), " 1 2 3 4");
	store_needs_closure(store, 4, 2, store_case_note_build, &cut);
	assert_string_equal(str_text(&cut), " 2 4");
	store_needs_load(store, note_edge, &edges);
	assert_string_equal(str_text(&edges), " 2->1 3->1 4->2 4->3");
	set_build_state(store, 1, BUILD_DONE); /* What is valid blocks nobody after a restart. */
	store_needs_load(store, note_edge, &fewer);
	assert_string_equal(str_text(&fewer), " 4->2 4->3");
}

static void note_ride(void *owner, const struct ride *ride)
{
	str_addf(owner, " %s@%" PRId64 "%s", ride->drv_path, ride->build_id,
		ride->is_fetch ? "f" : "");
}

static void rides_belong_to_one_build(void **state)
{
	struct store *store = store_of(state);
	struct ride ride = { .drv_path = "src", .build_id = 1, .is_fetch = true, .outputs = "{}" };
	cleanup_str struct str first = { 0 }, second = { 0 };
	int64_t id;

	make_diamond(store);
	store_begin(store);
	store_ride_add(store, &ride);
	ride.build_id = 2;
	store_ride_add(store, &ride); /* It goes over to the other. */
	ride.drv_path = "hook";
	ride.is_fetch = false;
	store_ride_add(store, &ride);
	store_case_commit(store);
	store_rides_of(store, 1, note_ride, &first);
	assert_string_equal(str_text(&first), "");
	store_rides_of(store, 2, note_ride, &second);
	assert_string_equal(str_text(&second), " hook@2 src@2f");
	store_begin(store);
	store_ride_remove(store, "src");
	store_case_commit(store);
	assert_false(store_ride_find(store, "src", &id));
	assert_true(store_ride_find(store, "hook", &id));
	assert_int_equal(id, 2);
	store_begin(store);
	store_rides_clear(store, 2);
	store_case_commit(store);
	assert_false(store_ride_find(store, "hook", &id));
}

static void note_text(void *owner, const char *text)
{
	str_addf(owner, " %s", text);
}

static void paths_to_fetch(void **state)
{
	struct store *store = store_of(state);
	cleanup_str struct str paths = { 0 };

	make_diamond(store);
	assert_false(store_fetches_of(store, 1, note_text, &paths));
	store_begin(store);
	store_fetch_add(store, 1, "b");
	store_fetch_add(store, 1, "a");
	store_fetch_add(store, 1, "b");
	store_case_commit(store);
	assert_true(store_fetches_of(store, 1, note_text, &paths));
	assert_string_equal(str_text(&paths), " a b");
	store_begin(store);
	store_fetches_clear(store, 1);
	store_case_commit(store);
	assert_false(store_fetches_of(store, 1, note_text, &paths));
}

/* ---- roots ---- */

static void note_root(void *owner, int64_t id)
{
	store_case_note(owner, id);
}

static void assert_unused(struct store *store, const char *why, const char *wanted)
{
	cleanup_str struct str got = { 0 };

	store_roots_unused(store, note_root, &got);
	if (strcmp(str_text(&got), wanted) != 0)
		fail_msg("%s: '%s', not '%s'", why, str_text(&got), wanted);
}

static int64_t new_root(struct store *store)
{
	int64_t id;

	store_begin(store);
	id = store_root_new(store, 1);
	store_case_commit(store);
	return id;
}

static void a_jobs_root_is_used_while_the_job_lives(void **state)
{
	struct store *store = store_of(state);
	int64_t root = new_root(store);
	int64_t job = store_case_job(store, "torch", store_case_context(store, 1, "8.6"));

	assert_unused(store, "nobody", " 1");
	store_begin(store);
	store_job_set_plan(store, job, 0, root, "{}");
	store_case_commit(store);
	for (int i = 0; i < JOB_STATES; i++) {
		store_case_set_state(store, job, (enum job_state)i);
		assert_unused(store, job_state_name((enum job_state)i),
			job_state_is_final((enum job_state)i) ? " 1" : "");
		assert_int_equal(
			store_job_uses_root(store, root), !job_state_is_final((enum job_state)i));
	}
}

static void an_output_root_is_used_until_pushed_and_not_needed(void **state)
{
	static const struct {
		enum build_state own;
		enum failure failure;
		enum build_state dependent;
		bool used;
	} cases[] = {
		{ BUILD_BUILDING, FAILURE_NONE, BUILD_DONE, true },
		{ BUILD_VERIFYING, FAILURE_NONE, BUILD_DONE, true },
		{ BUILD_PUSHING, FAILURE_NONE, BUILD_DONE, true },
		{ BUILD_DONE, FAILURE_NONE, BUILD_DONE, false },
		{ BUILD_DONE, FAILURE_NONE, BUILD_FAILED, false },
		{ BUILD_DONE, FAILURE_NONE, BUILD_PUSHING, false },
		{ BUILD_DONE, FAILURE_NONE, BUILD_BLOCKED, true },
		{ BUILD_DONE, FAILURE_NONE, BUILD_READY, true },
		{ BUILD_DONE, FAILURE_NONE, BUILD_BUILDING, true },
		{ BUILD_FAILED, FAILURE_BUILD, BUILD_FAILED, false },
		{ BUILD_FAILED, FAILURE_PUSH, BUILD_FAILED, true }, /* For `capq retry`. */
	};
	struct store *store = store_of(state);
	int64_t needed = store_case_build(store, "needed", BUILD_READY);
	int64_t dependent = store_case_build(store, "dependent", BUILD_BLOCKED);
	int64_t root = new_root(store);

	add_need(store, dependent, needed);
	store_begin(store);
	store_build_set_output_root(store, needed, root);
	store_case_commit(store);
	assert_int_equal(store_build_output_root(store, needed), root);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *what = str_format("%s, needed by one that is %s",
			build_state_name(cases[i].own), build_state_name(cases[i].dependent));

		change(store, needed,
			&(struct build_change){
				.state = cases[i].own, .failure = cases[i].failure });
		set_build_state(store, dependent, cases[i].dependent);
		assert_unused(store, what, cases[i].used ? "" : " 1");
	}
	store_begin(store);
	store_root_keep(store, root);
	store_case_commit(store);
	set_build_state(store, needed, BUILD_DONE);
	assert_unused(store, "kept for good", "");
	store_begin(store);
	store_root_delete(store, root);
	store_case_commit(store);
	assert_false(store_root_exists(store, root));
	assert_int_equal(store_build_output_root(store, needed), 0);
}

/* ---- attempts ---- */

static void note_id(void *owner, int64_t id)
{
	store_case_note(owner, id);
}

static void attempts_that_a_start_finds_running(void **state)
{
	struct store *store = store_of(state);
	int64_t build = store_case_build(store, "torch", BUILD_BUILDING);
	cleanup_str struct str running = { 0 }, after = { 0 };
	struct attempt attempt;

	store_begin(store);
	(void)store_attempt_start(store, build, 1, "local", 10);
	store_attempt_end(store, 1, "failed", FAILURE_NETWORK, "no route", 77, 20);
	(void)store_attempt_start(store, build, 2, "local", 30);
	store_case_commit(store);
	store_attempts_running(store, note_id, &running);
	assert_string_equal(str_text(&running), " 2");
	store_begin(store);
	store_attempts_interrupt(store, 40);
	store_case_commit(store);
	store_attempts_running(store, note_id, &after);
	assert_string_equal(str_text(&after), "");
	assert_true(store_attempt_get(store, build, 0, &attempt)); /* The newest. */
	assert_int_equal(attempt.number, 2);
	assert_string_equal(attempt.outcome, "interrupted");
	assert_int_equal(attempt.finished_at, 40);
	attempt_finish(&attempt);
	assert_true(store_attempt_get(store, build, 1, &attempt));
	assert_string_equal(attempt.reason, "no route");
	assert_int_equal(attempt.log_bytes, 77);
	attempt_finish(&attempt);
	assert_false(store_attempt_get(store, build, 3, &attempt));
}

static void logs_that_may_go(void **state)
{
	struct store *store = store_of(state);
	int64_t build = store_case_build(store, "torch", BUILD_BUILDING);
	cleanup_str struct str old = { 0 }, left = { 0 };

	store_begin(store);
	for (int i = 1; i <= 4; i++) {
		(void)store_attempt_start(store, build, i, "local", i);
		if (i < 4)
			store_attempt_end(store, i, "built", FAILURE_NONE, NULL, 1, 100 - i);
	}
	store_case_commit(store);
	store_logs_before(store, 99, 9, note_id, &old);
	assert_string_equal(str_text(&old), " 3 2"); /* The oldest end first; 4 runs. */
	store_begin(store);
	store_log_gone(store, 3);
	store_case_commit(store);
	store_logs_before(store, 999, 1, note_id, &left);
	assert_string_equal(str_text(&left), " 2");
}

static void note_entry(void *owner, const struct history_entry *e)
{
	str_addf(owner, " %s/%s/%s %" PRId64 " %" PRId64 " %s;", e->package, e->caps, e->system,
		e->wall_ms, e->core_ms, e->outcome);
}

static void the_newest_history_oldest_first(void **state)
{
	struct store *store = store_of(state);
	int64_t build = store_case_build(store, "torch", BUILD_BUILDING), attempt;
	struct history_entry entry = { .drv_path = "d",
		.package = "torch",
		.system = "s",
		.caps = "8.6",
		.machine = "",
		.builder = "local",
		.core_ms = -1,
		.output_bytes = -1 };
	cleanup_str struct str got = { 0 };

	store_begin(store);
	attempt = store_attempt_start(store, build, 1, "local", 10);
	entry.attempt_id = attempt;
	for (int i = 0; i < 4; i++) {
		entry.outcome = i == 3 ? "failed" : "built";
		entry.wall_ms = 100 * i;
		(void)store_history_add(store, &entry);
	}
	store_case_commit(store);
	store_history_each(store, 2, note_entry, &got);
	assert_string_equal(
		str_text(&got), " torch/8.6/s 200 -1 built; torch/8.6/s 300 -1 failed;");
}

static void note_start(void *owner, const struct start *s)
{
	str_addf(owner, "%s %g %" PRId64 " %" PRId64 " %g %" PRId64 " %" PRId64 " %s", s->rule,
		s->score, s->start_by, s->runner_up, s->runner_up_score, s->estimate_ms,
		s->estimate_p90_ms, s->basis);
}

static void why_an_attempt_was_started(void **state)
{
	struct store *store = store_of(state);
	int64_t build = store_case_build(store, "torch", BUILD_BUILDING), attempt;
	struct start start = { "promise", 2.5, 11, 12, 0.5, 13, 14, "set" };
	cleanup_str struct str got = { 0 };

	store_begin(store);
	attempt = store_attempt_start(store, build, 1, "local", 10);
	store_start_add(store, attempt, &start);
	store_case_commit(store);
	store_start_of(store, attempt + 1, note_start, &got);
	store_start_of(store, attempt, note_start, &got);
	assert_string_equal(str_text(&got), "promise 2.5 11 12 0.5 13 14 set");
}

static void note_waiting(void *owner, int64_t id, const char *name, const char *caps)
{
	str_addf(owner, " %" PRId64 " %s %s;", id, name, caps);
}

static void builds_of_a_package_that_wait(void **state)
{
	struct store *store = store_of(state);
	cleanup_str struct str got = { 0 }, none = { 0 };

	(void)store_case_build(store, "torch", BUILD_READY);
	(void)store_case_build(store, "ninja", BUILD_READY);
	(void)store_case_build(store, "numpy", BUILD_DONE);
	store_builds_waiting_of(store, "torch", "x86_64-linux", 9, note_waiting, &got);
	assert_string_equal(str_text(&got), " 1 torch 8.6;");
	store_builds_waiting_of(store, "numpy", "x86_64-linux", 9, note_waiting, &none);
	store_builds_waiting_of(store, "torch", "aarch64-linux", 9, note_waiting, &none);
	store_builds_waiting_of(store, "torch", "x86_64-linux", 0, note_waiting, &none);
	assert_string_equal(str_text(&none), "");
}

/* ---- revisions and evaluations ---- */

static void trust_stays(void **state)
{
	struct store *store = store_of(state);
	bool trusted;
	int64_t id;

	store_begin(store);
	id = store_revision(store, "0000000000000000000000000000000000000009", false, 1);
	assert_true(
		store_revision_get(store, "0000000000000000000000000000000000000009", &trusted));
	assert_false(trusted);
	assert_int_equal(
		store_revision(store, "0000000000000000000000000000000000000009", true, 2), id);
	assert_int_equal(
		store_revision(store, "0000000000000000000000000000000000000009", false, 3), id);
	store_case_commit(store);
	assert_true(
		store_revision_get(store, "0000000000000000000000000000000000000009", &trusted));
	assert_true(trusted);
	assert_false(store_revision_is_live(store, "0000000000000000000000000000000000000009"));
}

static void evaluations_are_remembered(void **state)
{
	struct store *store = store_of(state);
	int64_t context = store_case_context(store, 1, "8.6");
	int64_t job = store_case_job(store, "torch", context);
	int64_t other = store_case_job(store, "numpy", context);
	cleanup_free char *drv_path = NULL;

	assert_null(store_evaluation_get(store, "torch", context));
	store_begin(store);
	store_evaluation_put(store, "torch", context, "old.drv", 1);
	store_evaluation_put(store, "torch", context, "new.drv", 2);
	store_case_commit(store);
	drv_path = store_evaluation_get(store, "torch", context);
	assert_string_equal(drv_path, "new.drv");
	store_begin(store);
	store_evaluation_forget(store, other);
	store_case_commit(store);
	free(drv_path);
	drv_path = store_evaluation_get(store, "torch", context);
	assert_non_null(drv_path);
	store_begin(store);
	store_evaluation_forget(store, job);
	store_case_commit(store);
	assert_null(store_evaluation_get(store, "torch", context));
}

/* ---- events ---- */

static void note_event(void *owner, const struct event_row *event)
{
	str_addf(owner, " %" PRId64 ":%s", event->id, event->after);
}

static void events_are_read_in_order_and_trimmed_by_age(void **state)
{
	struct store *store = store_of(state);
	cleanup_str struct str some = { 0 }, rest = { 0 };
	int64_t oldest, newest;

	store_events_range(store, &oldest, &newest);
	assert_true(oldest == 0 && newest == 0);
	store_begin(store);
	for (int i = 1; i <= 5; i++) {
		struct event_row event = {
			.at = i * 10, .kind = "job", .subject = i, .after = "done", .failure = ""
		};

		assert_int_equal(store_event(store, &event), i);
	}
	store_case_commit(store);
	assert_int_equal(store_events_after(store, 1, 2, note_event, &some), 2);
	assert_string_equal(str_text(&some), " 2:done 3:done");
	store_begin(store);
	assert_int_equal(store_events_trim(store, 40, 2), 2);
	assert_int_equal(store_events_trim(store, 40, 2), 1);
	store_case_commit(store);
	store_events_range(store, &oldest, &newest);
	assert_int_equal(oldest, 4);
	assert_int_equal(newest, 5);
	assert_int_equal(store_events_after(store, 0, 9, note_event, &rest), 2);
	assert_string_equal(str_text(&rest), " 4:done 5:done");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_keeps_nothing_of_the_one_before),
		TEST(a_build_is_found_by_its_derivation),
		TEST(pages_of_builds_go_down_by_state),
		TEST(needs_of_a_diamond),
		TEST(rides_belong_to_one_build),
		TEST(paths_to_fetch),
		TEST(a_jobs_root_is_used_while_the_job_lives),
		TEST(an_output_root_is_used_until_pushed_and_not_needed),
		TEST(attempts_that_a_start_finds_running),
		TEST(logs_that_may_go),
		TEST(the_newest_history_oldest_first),
		TEST(why_an_attempt_was_started),
		TEST(builds_of_a_package_that_wait),
		TEST(trust_stays),
		TEST(evaluations_are_remembered),
		TEST(events_are_read_in_order_and_trimmed_by_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
