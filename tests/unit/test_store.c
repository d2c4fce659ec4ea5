/* The data base as such: its schema, its transactions and what may fail about them. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/event.h"
#include "daemon/store/query.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static void run_sql(struct store *store, const char *sql)
{
	assert_int_equal(sqlite3_exec(store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t ask(struct store *store, const char *sql)
{
	sqlite3_stmt *stmt;
	int64_t answer = -1;

	assert_int_equal(sqlite3_prepare_v2(store_db(store), sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		answer = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return answer;
}

/* ---- opening ---- */

static void the_schema_comes_up_from_nothing(void **state)
{
	struct store_case *c = *state;

	assert_true(store_schema_version() >= 1);
	assert_int_equal(ask(c->store, "PRAGMA user_version"), store_schema_version());
	assert_int_equal(ask(c->store, "SELECT count(*) FROM pragma_integrity_check"), 1);
	assert_int_equal(ask(c->store, "SELECT count(*) FROM daemon"), 1);
	assert_false(store_is_draining(c->store));
	/* Opened again nothing is done twice. */
	store_case_reopen(c);
	assert_int_equal(ask(c->store, "SELECT count(*) FROM daemon"), 1);
}

/* What the durability of an answer rests on. */
static void it_is_opened_to_be_durable(void **state)
{
	struct store_case *c = *state;

	assert_int_equal(ask(c->store, "PRAGMA synchronous"), 2); /* FULL */
	assert_int_equal(ask(c->store, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_int_equal(ask(c->store, "PRAGMA foreign_keys"), 1);
	assert_int_equal(ask(c->store, "PRAGMA wal_autocheckpoint"), 0);
	store_set_durable(c->store, false);
	assert_int_equal(ask(c->store, "PRAGMA synchronous"), 1); /* NORMAL */
	store_set_durable(c->store, true);
	assert_int_equal(ask(c->store, "PRAGMA synchronous"), 2);
}

static void what_is_not_ours_is_refused(void **state)
{
	static const struct {
		const char *change, *why;
	} cases[] = {
		{ "PRAGMA user_version = 99", "its schema has version 99, this capqd knows" },
		{ "PRAGMA application_id = 7", "it is not capqd's" },
		{ "PRAGMA application_id = 0", "it is not capqd's" },
	};
	struct store_case *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store *store = NULL;
		struct err err = { 0 };

		run_sql(c->store, cases[i].change);
		assert_int_equal(store_open(c->path, &store, &err), CAPQ_EINVAL);
		assert_null(store);
		if (strstr(err.text, cases[i].why) == NULL || strstr(err.text, c->path) == NULL)
			fail_msg("%s", err.text);
		assert_int_equal(ask(c->store, "SELECT count(*) FROM daemon"), 1); /* Untouched. */
		run_sql(c->store, "PRAGMA user_version = 1; PRAGMA application_id = 0x63617071");
	}
}

static void what_is_no_data_base_is_refused(void **state)
{
	struct store_case *c = *state;
	cleanup_free char *path = str_format("%s.copy", c->path);
	FILE *f = fopen(path, "w");
	struct store *store;
	struct err err = { 0 };

	assert_non_null(f);
	for (int i = 0; i < 100; i++)
		fputs("this is no data base at all\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(store_open(path, &store, &err), CAPQ_EINVAL);
	assert_true(store_open("/nonexistent/capqd.sqlite", &store, &err) < 0);
}

/* ---- transactions ---- */

static int64_t n_events(struct store *store)
{
	return ask(store, "SELECT count(*) FROM events");
}

static void write_event(struct store *store, const char *what)
{
	struct event_row event = { .kind = "daemon", .after = what, .failure = "" };

	(void)store_event(store, &event);
}

static void a_rollback_leaves_nothing(void **state)
{
	struct store_case *c = *state;

	store_begin(c->store);
	write_event(c->store, "drain");
	store_set_draining(c->store, true);
	store_rollback(c->store);
	assert_int_equal(n_events(c->store), 0);
	assert_false(store_is_draining(c->store));
}

/* The 1st, 2nd and 3rd commit fail in turn: nothing of that one is there, all of the others is, and
 * the next works. */
static void a_commit_that_fails_leaves_nothing(void **state)
{
	struct store_case *c = *state;
	int64_t before = 0;

	for (int n = 1; n <= 3; n++) {
		store_fail_commit(c->store, n);
		for (int k = 1; k <= 4; k++) {
			struct err err = { 0 };

			store_begin(c->store);
			write_event(c->store, "one");
			write_event(c->store, "two");
			assert_int_equal(store_commit(c->store, &err), k == n ? CAPQ_ENOSPC : 0);
			if (k == n)
				assert_non_null(strstr(err.text, "full"));
			else
				before += 2;
			assert_false(store_failed(c->store));
			assert_int_equal(n_events(c->store), before);
		}
	}
	store_case_reopen(c);
	assert_int_equal(n_events(c->store), before);
}

/* A disk that is full in the middle: the first failure is kept, what follows does nothing, and the
 * commit reports it. */
static void a_full_disk_is_found_out_at_the_commit(void **state)
{
	struct store_case *c = *state;
	struct err err = { 0 };
	cleanup_free char *limit = str_format(
		"PRAGMA max_page_count = %d", (int)ask(c->store, "PRAGMA page_count") + 2);
	cleanup_free char *reason = xcalloc(1, 100001);
	struct event_row event = {
		.kind = "daemon", .after = "x", .failure = "", .reason = reason
	};

	memset(reason, 'x', 100000);
	store_begin(c->store);
	write_event(c->store, "before");
	run_sql(c->store, limit);
	(void)store_event(c->store, &event);
	assert_true(store_failed(c->store));
	write_event(c->store, "after");
	assert_int_equal(store_commit(c->store, &err), CAPQ_ENOSPC);
	assert_false(store_failed(c->store));
	assert_int_equal(n_events(c->store), 0);
	run_sql(c->store, "PRAGMA max_page_count = 1000000");
	store_begin(c->store);
	(void)store_event(c->store, &event);
	store_case_commit(c->store);
	assert_int_equal(n_events(c->store), 1);
}

static void draining_is_kept(void **state)
{
	struct store_case *c = *state;

	store_begin(c->store);
	store_set_draining(c->store, true);
	store_case_commit(c->store);
	store_case_reopen(c);
	assert_true(store_is_draining(c->store));
}

/* ---- beside the store ---- */

static void a_backup_is_a_copy_and_the_store_goes_on(void **state)
{
	struct store_case *c = *state;
	cleanup_free char *to = str_format("%s.copy", c->path);
	struct store *copy;

	store_begin(c->store);
	write_event(c->store, "before");
	store_case_commit(c->store);
	assert_int_equal(store_backup(c->path, to, NULL), 0);
	store_begin(c->store);
	write_event(c->store, "after");
	store_case_commit(c->store);
	assert_int_equal(n_events(c->store), 2);
	assert_int_equal(store_open(to, &copy, NULL), 0);
	assert_int_equal(n_events(copy), 1);
	run_sql(copy, "PRAGMA journal_mode = DELETE"); /* Leave no files beside it. */
	store_close(copy);
	assert_true(store_backup(c->path, "/nonexistent/file", NULL) < 0);
	assert_true(store_backup("/nonexistent/file", to, NULL) < 0);
}

static void a_checkpoint_moves_the_log(void **state)
{
	struct store_case *c = *state;

	store_begin(c->store);
	write_event(c->store, "x");
	store_case_commit(c->store);
	assert_int_equal(store_checkpoint(c->path, NULL), 0);
	store_sync(c->path);
	assert_int_equal(n_events(c->store), 1);
	assert_true(store_checkpoint("/nonexistent/file", NULL) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_schema_comes_up_from_nothing),
		TEST(it_is_opened_to_be_durable),
		TEST(what_is_not_ours_is_refused),
		TEST(what_is_no_data_base_is_refused),
		TEST(a_rollback_leaves_nothing),
		TEST(a_commit_that_fails_leaves_nothing),
		TEST(a_full_disk_is_found_out_at_the_commit),
		TEST(draining_is_kept),
		TEST(a_backup_is_a_copy_and_the_store_goes_on),
		TEST(a_checkpoint_moves_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
