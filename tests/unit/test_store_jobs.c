/* The table of jobs: identity, what is visible, pages, what is next, and how much is wanted. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/store/batch.h"
#include "daemon/store/want.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static struct job_entered enter(
	struct store *store, const char *attr, int64_t context, int64_t batch, int priority)
{
	struct job_entry entry = { .attr = attr,
		.context_id = context,
		.rev_from = "branch master",
		.submitter = "alice",
		.priority = priority,
		.batch_id = batch,
		.now_ms = 1000 };
	struct job_entered entered;

	store_begin(store);
	store_job_enter(store, &entry, &entered);
	store_case_commit(store);
	return entered;
}

static bool is_leftover(struct store *store, int64_t id)
{
	struct job job;
	bool is;

	assert_true(store_job_get(store, id, &job));
	is = job.is_leftover;
	job_finish(&job);
	return is;
}

/* Who asks for more than a leftover gets it; who asks for less than there is changes nothing. */
static void a_leftover_becomes_more_when_it_is_asked_for_again(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	struct job_entry entry = { .attr = "a",
		.context_id = store_case_context(store, 1, "8.6"),
		.rev_from = "hash",
		.submitter = "root",
		.now_ms = 1 };
	static const bool asked[] = { true, true, false, true };
	struct job_entered entered;

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		entry.is_leftover = asked[i];
		store_begin(store);
		store_job_enter(store, &entry, &entered);
		store_case_commit(store);
		assert_int_equal(entered.existing, i > 0);
		assert_int_equal(entered.raised_build, 0); /* It has none yet. */
		assert_int_equal(is_leftover(store, entered.id), i < 2);
	}
}

static bool is_visible(struct store *store, int64_t id)
{
	struct job job;
	bool found = store_job_get(store, id, &job);

	if (found)
		job_finish(&job);
	return found;
}

/* ---- identity ---- */

static void a_job_is_as_it_was_entered(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t context = store_case_context(store, 7, "8.0,8.6+PTX");
	struct job_entered entered = enter(store, "python3Packages.torch", context, 0, -5);
	struct job job;

	assert_false(entered.existing);
	assert_true(store_job_get(store, entered.id, &job));
	assert_string_equal(job.attr, "python3Packages.torch");
	assert_string_equal(job.caps, "8.0,8.6+PTX");
	assert_string_equal(job.flavour, "default");
	assert_string_equal(job.rev, "0000000000000000000000000000000000000007");
	assert_string_equal(job.rev_from, "branch master");
	assert_string_equal(job.system, "x86_64-linux");
	assert_string_equal(job.submitter, "alice");
	assert_true(job.trusted);
	assert_int_equal(job.priority, -5);
	assert_int_equal(job.state, JOB_EVALUATING);
	assert_int_equal(job.submitted_at, 1000);
	assert_int_equal(job.build_id, 0);
	assert_int_equal(job.wall_ms, -1);
	assert_null(job.drv_path);
	job_finish(&job);
	assert_false(store_job_get(store, entered.id + 1, &job));
}

static void one_live_job_for_each_thing(void **state)
{
	static const struct {
		enum job_state before;
		bool existing;
	} cases[] = { { JOB_EVALUATING, true }, { JOB_PLANNING, true }, { JOB_WAITING, true },
		{ JOB_PUSHING, true }, { JOB_DONE, true }, { JOB_ON_HOLD, true },
		{ JOB_FAILED, true }, { JOB_CANCELLED, false }, { JOB_SUPERSEDED, false } };
	struct store *store = ((struct store_case *)*state)->store;
	int64_t context = store_case_context(store, 1, "8.6");
	int64_t other = store_case_context(store, 1, "9.0");

	assert_int_equal(ARRAY_LEN(cases), JOB_STATES);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job_entered first = enter(store, "torch", context, 0, 0), again, beside;

		store_case_set_state(store, first.id, cases[i].before);
		again = enter(store, "torch", context, 0, 0);
		assert_int_equal(again.existing, cases[i].existing);
		assert_int_equal(again.id == first.id, cases[i].existing);
		assert_int_equal(again.state, cases[i].existing ? cases[i].before : JOB_EVALUATING);
		beside = enter(store, "torch", other, 0, 0);
		assert_true(beside.id != first.id);
		assert_false(store_job_has_live_twin(store, again.id));
		assert_int_equal(store_job_has_live_twin(store, first.id), !cases[i].existing);
		store_case_set_state(store, again.id, JOB_CANCELLED);
	}
}

static void times_and_failures_follow_the_state(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t id = store_case_job(store, "torch", store_case_context(store, 1, "8.6"));
	struct job job;

	store_case_set_state(store, id, JOB_FAILED);
	assert_true(store_job_get(store, id, &job));
	assert_int_equal(job.failure, FAILURE_BUILD);
	assert_int_equal(job.finished_at, 2000);
	job_finish(&job);
	store_case_set_state(store, id, JOB_ON_HOLD);
	assert_true(store_job_get(store, id, &job));
	assert_int_equal(job.failure, FAILURE_NONE);
	assert_int_equal(job.finished_at, 0);
	assert_int_equal(job.held_state, JOB_WAITING);
	job_finish(&job);
}

/* ---- batches ---- */

static bool skip_none(void *owner, int64_t id)
{
	(void)owner;
	(void)id;
	return false;
}

/* Until it ends nobody sees a job of it, by whatever question. */
static void a_batch_becomes_visible_at_its_end(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t context = store_case_context(store, 1, "8.6"), counts[JOB_STATES], batch, id;
	struct job_filter all = { .limit = 9 };
	cleanup_str struct str before = { 0 }, after = { 0 };

	store_begin(store);
	batch = store_batch_begin(store, 1);
	store_case_commit(store);
	id = enter(store, "torch", context, batch, 0).id;
	assert_false(is_visible(store, id));
	assert_int_equal(store_jobs_page(store, &all, store_case_note_job, &before), 0);
	assert_string_equal(str_text(&before), "");
	assert_int_equal(store_job_next_context(store, skip_none, NULL), 0);
	store_jobs_count(store, counts);
	assert_int_equal(counts[JOB_EVALUATING], 0);

	assert_int_equal(store_batch_open(store), batch);
	store_begin(store);
	store_batch_end(store, batch);
	store_case_commit(store);
	assert_true(is_visible(store, id));
	(void)store_jobs_page(store, &all, store_case_note_job, &after);
	assert_string_equal(str_text(&after), " 1");
	assert_int_equal(store_job_next_context(store, skip_none, NULL), context);
	store_jobs_count(store, counts);
	assert_int_equal(counts[JOB_EVALUATING], 1);
	assert_int_equal(store_batch_open(store), 0);
}

/* Dropped in slices; what somebody asked for meanwhile stays, and so does what was there before. */
static void a_batch_that_is_dropped_takes_only_its_own(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t context = store_case_context(store, 1, "8.6"), batch;
	struct job_entered adopted, was_there;
	int dropped[3];

	was_there = enter(store, "before", context, 0, 0);
	store_begin(store);
	batch = store_batch_begin(store, 1);
	store_case_commit(store);
	assert_true(enter(store, "before", context, batch, 0).existing);
	(void)enter(store, "a", context, batch, 0);
	(void)enter(store, "b", context, batch, 0);
	(void)enter(store, "c", context, batch, 0);
	assert_true(enter(store, "c", context, batch, 0).existing); /* Twice in one batch. */
	adopted = enter(store, "b", context, 0, 0);
	assert_false(adopted.existing); /* Its asker is the first who sees it. */
	assert_true(is_visible(store, adopted.id));
	store_begin(store);
	for (int i = 0; i < 3; i++)
		dropped[i] = store_batch_drop(store, batch, 1);
	store_case_commit(store);
	assert_int_equal(dropped[0] + dropped[1], 2);
	assert_int_equal(dropped[2], 0);
	assert_int_equal(store_batch_open(store), 0);
	assert_true(is_visible(store, adopted.id));
	assert_true(is_visible(store, was_there.id));
	assert_true(enter(store, "d", context, 0, 0).id > adopted.id + 1); /* Never used again. */
}

static void trim_answers(struct store *store, int64_t before_ms)
{
	store_begin(store);
	store_answers_trim(store, before_ms, 10);
	store_case_commit(store);
}

/* However many there are, one transaction is short. */
static void old_answers_go_a_few_at_a_time(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	cleanup_str struct str given = { 0 }, got = { 0 };
	bool same;

	store_begin(store);
	for (int i = 0; i < 25; i++) {
		cleanup_free char *key = str_format("key %d", i);

		store_answer_put(store, "alice", key, "digest", &given, 0, 100 + i);
	}
	store_case_commit(store);
	trim_answers(store, 1000);
	assert_false(store_answer_get(store, "alice", "key 9", "digest", &same, &got));
	assert_true(store_answer_get(store, "alice", "key 10", "digest", &same, &got));
	trim_answers(store, 1000);
	trim_answers(store, 1000);
	assert_false(store_answer_get(store, "alice", "key 24", "digest", &same, &got));
}

static void answers_are_remembered_by_who_and_key(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	cleanup_str struct str given = { 0 }, got = { 0 };
	bool same = true;

	str_add(&given, "[1]");
	store_begin(store);
	store_answer_put(store, "alice", "key", "digest", &given, 0, 100);
	store_case_commit(store);
	assert_false(store_answer_get(store, "bob", "key", "digest", &same, &got));
	assert_false(store_answer_get(store, "alice", "yek", "digest", &same, &got));
	assert_int_equal(got.len, 0);
	assert_true(store_answer_get(store, "alice", "key", "other", &same, &got));
	assert_false(same);
	str_clear(&got);
	assert_true(store_answer_get(store, "alice", "key", "digest", &same, &got));
	assert_true(same);
	assert_string_equal(str_text(&got), "[1]");
	trim_answers(store, 100);
	assert_true(store_answer_get(store, "alice", "key", "digest", &same, &got));
	trim_answers(store, 101);
	assert_false(store_answer_get(store, "alice", "key", "digest", &same, &got));
}

/* An answer of a bulk submit is there with its jobs, at the end of the batch. */
static void an_answer_comes_with_its_batch(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	cleanup_str struct str given = { 0 }, got = { 0 };
	int64_t batch;
	bool same;

	str_add(&given, "[1]");
	store_begin(store);
	batch = store_batch_begin(store, 1);
	store_answer_put(store, "alice", "key", "digest", &given, batch, 100);
	store_case_commit(store);
	assert_false(store_answer_get(store, "alice", "key", "digest", &same, &got));
	store_begin(store);
	store_batch_end(store, batch);
	store_case_commit(store);
	assert_true(store_answer_get(store, "alice", "key", "digest", &same, &got));
	assert_string_equal(str_text(&got), "[1]");
}

/* ---- pages ---- */

/* Six jobs: torch and magma for 8.6, 9.0 of revision 1, then for 8.6 of revision 2. */
static void fill(struct store *store)
{
	int64_t contexts[] = { store_case_context(store, 1, "8.6"),
		store_case_context(store, 1, "9.0"), store_case_context(store, 2, "8.6") };

	for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
		(void)store_case_job(store, "torch", contexts[i]);
		(void)store_case_job(store, "magma", contexts[i]);
	}
	store_case_set_state(store, 2, JOB_DONE);
	store_case_set_state(store, 3, JOB_FAILED);
	store_case_set_state(store, 5, JOB_DONE);
}

static void filters_choose(void **state)
{
	static const struct {
		struct job_filter filter;
		const char *ids;
	} cases[] = {
		{ { .limit = 9 }, " 6 5 4 3 2 1" },
		{ { .limit = 9, .states = 1 << JOB_DONE }, " 5 2" },
		{ { .limit = 9, .states = 1 << JOB_DONE | 1 << JOB_FAILED }, " 5 3 2" },
		{ { .limit = 9, .states = 1 << JOB_PUSHING }, "" },
		{ { .limit = 9, .attr = "torch" }, " 5 3 1" },
		{ { .limit = 9, .attr = "tor" }, "" },
		{ { .limit = 9, .attr = "torch", .states = 1 << JOB_DONE }, " 5" },
		{ { .limit = 9, .caps = "9.0" }, " 4 3" },
		{ { .limit = 9, .rev = "0000000000000000000000000000000000000002" }, " 6 5" },
		{ { .limit = 9, .rev = "00000000" }, " 6 5 4 3 2 1" },
		{ { .limit = 9, .flavour = "mkl" }, "" },
		{ { .limit = 9, .flavour = "default", .system = "x86_64-linux", .caps = "9.0" },
			" 4 3" },
		{ { .limit = 9, .system = "aarch64-linux" }, "" },
		{ { .limit = 9, .before_id = 4 }, " 3 2 1" },
		{ { .limit = 9, .before_id = 1 }, "" },
	};
	struct store *store = ((struct store_case *)*state)->store;

	fill(store);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str got = { 0 };

		assert_int_equal(
			store_jobs_page(store, &cases[i].filter, store_case_note_job, &got), 0);
		if (strcmp(str_text(&got), cases[i].ids) != 0)
			fail_msg("case %zu: '%s', not '%s'", i, str_text(&got), cases[i].ids);
	}
}

/* Page by page with something new between them: each of those that were there comes once. */
static void cursors_stay_good_when_rows_come(void **state)
{
	static const struct job_filter filters[] = { { .limit = 2 }, { .limit = 1, .caps = "8.6" },
		{ .limit = 1, .attr = "torch" }, { .limit = 1, .states = 1 << JOB_DONE } };
	static const char *const wanted[] = { " 6 5 4 3 2 1", " 6 5 2 1", " 5 3 1", " 5 2" };
	struct store *store = ((struct store_case *)*state)->store;
	int64_t context;

	fill(store);
	context = store_case_context(store, 3, "8.6");
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_str struct str got = { 0 };
		struct job_filter filter = filters[i];

		filter.before_id = 7; /* As if the first page had begun before any of the new. */
		do {
			cleanup_free char *attr = str_format("new-%zu-%zu", i, got.len);

			(void)store_case_job(store, attr, context);
			filter.before_id =
				store_jobs_page(store, &filter, store_case_note_job, &got);
		} while (filter.before_id != 0);
		assert_string_equal(str_text(&got), wanted[i]);
	}
}

/* A filter that nothing fits does not read the whole table in one go. */
static void a_page_ends_early_rather_than_late(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t context = store_case_context(store, 1, "8.6"), next;
	struct job_filter filter = { .limit = 5, .caps = "9.0" };
	cleanup_str struct str got = { 0 };
	int pages = 1;

	store_begin(store);
	for (int i = 0; i < JOB_SCAN_MAX + 10; i++) {
		cleanup_free char *attr = str_format("a%d", i);
		struct job_entry entry = { .attr = attr,
			.context_id = context,
			.rev_from = "hash",
			.submitter = "root",
			.now_ms = 1 };
		struct job_entered entered;

		store_job_enter(store, &entry, &entered);
	}
	store_case_commit(store);
	next = store_jobs_page(store, &filter, store_case_note_job, &got);
	assert_int_equal(next, 11); /* It has looked at those from JOB_SCAN_MAX + 10 down. */
	while (next != 0) {
		filter.before_id = next;
		next = store_jobs_page(store, &filter, store_case_note_job, &got);
		pages++;
	}
	assert_int_equal(pages, 2);
	assert_string_equal(str_text(&got), "");
}

/* ---- what is next, and how much is wanted ---- */

static bool skip_if_listed(void *owner, int64_t id)
{
	const int64_t *listed = owner;

	while (*listed != 0)
		if (*listed++ == id)
			return true;
	return false;
}

static void next_is_the_last_bumped_then_the_oldest(void **state)
{
	static int64_t skip[5];
	struct store *store = ((struct store_case *)*state)->store;
	int64_t contexts[4];

	for (int i = 0; i < 4; i++) {
		contexts[i] = store_case_context(store, i + 1, "8.6");
		(void)store_case_job(store, "torch", contexts[i]);
	}
	store_begin(store);
	store_job_bump(store, 3, 10);
	store_job_bump(store, 2, 20);
	store_case_commit(store);
	assert_int_equal(store_job_next_context(store, skip_if_listed, skip), contexts[1]);
	skip[0] = 2;
	assert_int_equal(store_job_next_context(store, skip_if_listed, skip), contexts[2]);
	skip[1] = 3;
	assert_int_equal(store_job_next_context(store, skip_if_listed, skip), contexts[0]);
	store_case_set_state(store, 1, JOB_PLANNING);
	assert_int_equal(store_job_next_context(store, skip_if_listed, skip), contexts[3]);
	skip[2] = 4;
	assert_int_equal(store_job_next_context(store, skip_if_listed, skip), 0);
}

static void note_want(void *owner, const struct job_want *want)
{
	str_addf(owner, " %" PRId64 ":%" PRId64 "%s prio %d bump %" PRId64 " at %" PRId64,
		want->build_id, want->job_id, want->is_held ? " held" : "", want->priority,
		want->bumped_at, want->submitted_at);
	str_addf(owner, " promise %" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64 " %s %s %s;",
		want->promise.since_at, want->promise.start_by, want->promise.cost_ms,
		want->promise.chain_ms, want->rev_from, want->caps, want->submitter);
}

static void live_jobs_want_their_build(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t build = store_case_build(store, "torch-2.5.1", BUILD_BLOCKED), ids[3];
	cleanup_str struct str none = { 0 }, before = { 0 }, after = { 0 }, all = { 0 };

	store_wants_of(store, build, note_want, &none);
	assert_string_equal(str_text(&none), "");
	for (int i = 0; i < 3; i++) {
		ids[i] = enter(store, "torch", store_case_context(store, i, "8.6"), 0, i * 10).id;
		store_begin(store);
		store_job_set_plan(store, ids[i], build, 0, "{}");
		store_job_bump(store, ids[i], i * 100);
		store_case_commit(store);
		store_case_set_state(store, ids[i], JOB_WAITING);
	}
	store_case_set_state(store, ids[0], JOB_DONE);
	store_case_set_state(store, ids[2], JOB_ON_HOLD);
	store_wants_of(store, build, note_want, &before);
	assert_string_equal(str_text(&before),
		" 1:2 prio 10 bump 100 at 1000 promise 0/0/0/0 branch master 8.6 alice;"
		" 1:3 held prio 20 bump 200 at 1000 promise 0/0/0/0 branch master 8.6 alice;");
	store_begin(store);
	store_promise(store, build, &(struct promise){ 7, 8, 9, 10 });
	store_promise(
		store, build, &(struct promise){ 70, 80, 90, 100 }); /* A promise is made once. */
	store_case_commit(store);
	store_wants_of(store, build, note_want, &after);
	assert_non_null(strstr(str_text(&after), "promise 7/8/9/10 "));
	store_wants_each(store, note_want, &all);
	assert_string_equal(str_text(&all), str_text(&after));
}

static void note_usage(void *owner, const char *submitter, double used_ms, int64_t at)
{
	str_addf(owner, " %s %g at %" PRId64 ";", submitter, used_ms, at);
}

static void usage_is_kept_by_submitter(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	cleanup_str struct str got = { 0 };

	store_begin(store);
	store_usage_set(store, "ci", 1.5, 10);
	store_usage_set(store, "me", 2, 11);
	store_usage_set(store, "ci", 2.5, 12);
	store_case_commit(store);
	store_usage_each(store, note_usage, &got);
	assert_string_equal(str_text(&got), " ci 2.5 at 12; me 2 at 11;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_is_as_it_was_entered),
		TEST(one_live_job_for_each_thing),
		TEST(a_leftover_becomes_more_when_it_is_asked_for_again),
		TEST(times_and_failures_follow_the_state),
		TEST(a_batch_becomes_visible_at_its_end),
		TEST(a_batch_that_is_dropped_takes_only_its_own),
		TEST(answers_are_remembered_by_who_and_key),
		TEST(old_answers_go_a_few_at_a_time),
		TEST(an_answer_comes_with_its_batch),
		TEST(filters_choose),
		TEST(cursors_stay_good_when_rows_come),
		TEST(a_page_ends_early_rather_than_late),
		TEST(next_is_the_last_bumped_then_the_oldest),
		TEST(live_jobs_want_their_build),
		TEST(usage_is_kept_by_submitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
