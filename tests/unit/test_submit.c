/* Submits that meet: in one turn of the loop, or while a bulk one is being written. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submission.h"
#include "daemon/store/query.h"
#include "tests/support/pipeline_case.h"

/* What became of a submit. */
struct told {
	bool is_done;
	int rv;
	bool existing_answer;
	char answer[256]; /* Of a short one. */
	char error[ERR_TEXT_MAX];
};

static void note_end(void *owner, const struct submission_end *end)
{
	struct told *told = owner;

	assert_false(told->is_done);
	told->is_done = true;
	told->rv = end->rv;
	told->existing_answer = end->existing_answer;
	if (end->rv < 0)
		(void)snprintf(told->error, sizeof told->error, "%s", end->err->text);
	else
		(void)snprintf(told->answer, sizeof told->answer, "%s", str_text(end->answer));
}

/* A submit of the attributes a0, a1, ... whose revision is known, so that it waits for nothing. */
static struct submission *make_submission(
	struct pipeline_case *c, const char *key, int n, struct told *told)
{
	struct submission *s = submission_create(c->p, "alice", key);

	memset(told, 0, sizeof *told);
	for (int i = 0; i < n; i++) {
		struct job_spec spec = { .caps = "8.6", .flavour = "default" };

		(void)snprintf(spec.attr, sizeof spec.attr, "a%d", i);
		assert_int_equal(submission_add(s, &spec, NULL), 0);
	}
	s->contexts[0].hash = xstrdup("0123456789012345678901234567890123456789");
	s->contexts[0].from = xstrdup("branch master");
	s->contexts[0].trusted = true;
	s->on_done = note_end;
	s->owner = told;
	return s;
}

static void run_until_told(struct pipeline_case *c, const struct told *told)
{
	while (!told->is_done)
		(void)uv_run(&c->loop, UV_RUN_ONCE);
}

static void assert_counts_are_those_of_the_rows(struct pipeline_case *c, int64_t n)
{
	int64_t counts[JOB_STATES];

	store_jobs_count(c->store, counts);
	assert_int_equal(counts[JOB_EVALUATING], n);
	assert_memory_equal(counts, pipeline_job_counts(c->p), sizeof counts);
}

/* A job of a bulk submit that is being written is asked for by a small one, which makes it visible
 * at once: it is counted by whoever made it visible, and by nobody else. */
static void a_job_of_an_unfinished_bulk_submit_is_counted_once(void **state)
{
	struct pipeline_case *c = *state;
	struct told bulk, small;

	bulk_add(make_submission(c, NULL, 3, &bulk));
	assert_true(bulk_write_some(c->p)); /* It begins, */
	(void)bulk_write_some(c->p);        /* and all its jobs are there, invisible. */
	assert_false(bulk.is_done);
	assert_counts_are_those_of_the_rows(c, 0);
	accept_add(make_submission(c, NULL, 2, &small));
	accept_commit(c->p);
	assert_string_equal(small.answer,
		"{\"jobs\":[{\"id\":1,\"existing\":false,\"state\":\"evaluating\"},"
		"{\"id\":2,\"existing\":false,\"state\":\"evaluating\"}]}");
	assert_counts_are_those_of_the_rows(c, 2);
	run_until_told(c, &bulk);
	assert_int_equal(bulk.rv, 0);
	assert_counts_are_those_of_the_rows(c, 3);
}

/* ---- keys ---- */

/* A client that was impatient sent its request again, and both came in one turn. */
static void a_key_that_comes_twice_in_one_turn(void **state)
{
	struct pipeline_case *c = *state;
	struct told first, same, other, later;

	accept_add(make_submission(c, "key", 1, &first));
	accept_add(make_submission(c, "key", 1, &same));
	accept_add(make_submission(c, "key", 2, &other));
	accept_commit(c->p);
	assert_int_equal(first.rv, 0);
	assert_false(first.existing_answer);
	assert_int_equal(same.rv, 0);
	assert_true(same.existing_answer);
	assert_string_equal(same.answer, first.answer);
	assert_int_equal(other.rv, CAPQ_EEXIST);
	assert_counts_are_those_of_the_rows(c, 1);
	accept_add(make_submission(c, "key", 1, &later));
	accept_commit(c->p);
	assert_true(later.existing_answer);
	assert_string_equal(later.answer, first.answer);
}

/* ---- what cannot be stored ---- */

/* A full disk is one thing, a data base that another program holds is another. */
static void what_cannot_be_stored_says_why(void **state)
{
	struct pipeline_case *c = *state;
	cleanup_free char *path = str_format("%s/capqd.sqlite", c->directory);
	struct told full, busy, bulk;
	sqlite3 *other;

	store_fail_commit(c->store, 1);
	accept_add(make_submission(c, NULL, 1, &full));
	accept_commit(c->p);
	assert_int_equal(full.rv, CAPQ_ENOSPC);

	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(store_db(c->store), 0);
	accept_add(make_submission(c, NULL, 1, &busy));
	accept_commit(c->p);
	assert_int_equal(busy.rv, CAPQ_EBUSY);
	assert_int_equal(pipeline_drain(c->p, true, NULL), CAPQ_EBUSY);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);

	assert_int_equal(pipeline_drain(c->p, true, NULL), 0);
	store_fail_commit(c->store, 1);
	bulk_add(make_submission(c, NULL, 1, &bulk));
	(void)bulk_write_some(c->p);
	assert_int_equal(bulk.rv, CAPQ_ENOSPC);
	assert_counts_are_those_of_the_rows(c, 0);
}

/* ---- a stop ---- */

struct stopping {
	struct pipeline_case *c;
	struct told told;
	bool is_stopped;
};

static void note_stop(void *owner)
{
	struct stopping *s = owner;

	assert_true(s->told.is_done);
	s->is_stopped = true;
}

static void submit_and_stop(uv_prepare_t *prepare)
{
	struct stopping *s = prepare->data;
	struct submission *submission = submission_create(s->c->p, "alice", NULL);
	struct job_spec spec = { .attr = "a", .caps = "8.6", .flavour = "default" };

	assert_int_equal(submission_add(submission, &spec, NULL), 0);
	submission_commit(submission, note_end, &s->told);
	pipeline_stop(s->c->p, note_stop, s);
	uv_close((uv_handle_t *)prepare, NULL);
}

/* Its revision is looked up from the next turn on: the pipeline waits for that to be given up. */
static void a_submit_and_a_stop_in_one_turn(void **state)
{
	struct stopping s = { .c = *state };
	uv_prepare_t prepare;

	uv_prepare_init(&s.c->loop, &prepare);
	prepare.data = &s;
	uv_prepare_start(&prepare, submit_and_stop);
	while (!s.is_stopped)
		(void)uv_run(&s.c->loop, UV_RUN_ONCE);
	assert_int_equal(s.told.rv, CAPQ_EBUSY);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, pipeline_case_setup, pipeline_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_of_an_unfinished_bulk_submit_is_counted_once),
		TEST(a_key_that_comes_twice_in_one_turn),
		TEST(what_cannot_be_stored_says_why),
		TEST(a_submit_and_a_stop_in_one_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
