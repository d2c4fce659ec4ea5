/* Every statement of the data base: it fits the schema, and none that runs while capqd serves reads
 * a whole table that grows. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/query.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static const struct statements *const *const all[] = { &store_store_statements,
	&store_job_statements, &store_build_statements, &store_plan_statements,
	&store_attempt_statements, &store_context_statements, &store_event_statements,
	&store_root_statements, &store_batch_statements };

static sqlite3_stmt *prepare(struct store *store, const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(store_db(store), sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(store_db(store)), sql);
	return stmt;
}

static void each_fits_the_schema(void **state)
{
	struct store_case *c = *state;

	assert_int_equal(ARRAY_LEN(all), SLOTS);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct statements *of = *all[i];

		assert_int_equal(of->slot, i);
		for (int k = 0; k < of->n; k++) {
			assert_non_null(of->sql[k]);
			sqlite3_finalize(prepare(c->store, of->sql[k]));
		}
	}
}

/* Statements that read all rows of a table or an index, and may: at the start (counts, what is not
 * done yet), on timers, or because the table is small. Each by how it begins. */
static const char *const may_scan[] = {
	"SELECT draining FROM daemon", /* One row. */
	"UPDATE daemon SET draining",
	"SELECT id FROM batches",           /* One row at most. */
	"SELECT state, count(*) FROM jobs", /* At the start, and behind a bulk submit. */
	"SELECT state, count(*) FROM builds",
	"SELECT package, system, avg(wall_ms)",     /* At the start; bounded. */
	"SELECT count(*), max(state <> 'on_hold')", /* All wants: at the start. */
	"SELECT r.id FROM roots r",                 /* Roots that may go: by roots_to_sweep. */
	"SELECT id FROM attempts WHERE outcome = 'running'", /* By attempts_running. */
	"UPDATE attempts SET outcome = 'interrupted'",
};

static bool is_allowed(const char *sql)
{
	for (size_t i = 0; i < ARRAY_LEN(may_scan); i++)
		if (str_starts(sql, may_scan[i]))
			return true;
	return false;
}

/* "SCAN j", but not a scan of a subquery's own rows or of a constant, nor of `batches`, which every
 * question about what is visible looks at: it has one row at most. */
static bool is_scan(const char *detail)
{
	return str_starts(detail, "SCAN ") && !str_starts(detail, "SCAN CONSTANT") &&
	       !str_starts(detail, "SCAN (") && strcmp(detail, "SCAN batches") != 0 &&
	       strcmp(detail, "SCAN k") != 0 && strcmp(detail, "SCAN needed") != 0;
}

static void explain(struct store *store, const char *sql)
{
	cleanup_free char *text = str_format("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *stmt = prepare(store, text);

	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(stmt, 3);

		if (is_scan(detail) && !is_allowed(sql))
			fail_msg("%s\nin: %s", detail, sql);
	}
	sqlite3_finalize(stmt);
}

static void none_reads_a_whole_table(void **state)
{
	struct store_case *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (int k = 0; k < (*all[i])->n; k++)
			explain(c->store, (*all[i])->sql[k]);
}

/* The pages and what is next come in the order of an index: nothing is sorted but what they merge,
 * a page for each state. */
static void pages_and_the_next_are_not_sorted(void **state)
{
	struct store_case *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (int k = 0; k < (*all[i])->n; k++) {
			const char *sql = (*all[i])->sql[k];
			cleanup_free char *text = str_format("EXPLAIN QUERY PLAN %s", sql);
			sqlite3_stmt *stmt;

			if (strstr(sql, "ORDER BY j.") == NULL)
				continue;
			stmt = prepare(c->store, text);
			while (sqlite3_step(stmt) == SQLITE_ROW)
				if (strstr((const char *)sqlite3_column_text(stmt, 3), "B-TREE"))
					fail_msg("it sorts: %s", sql);
			sqlite3_finalize(stmt);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_fits_the_schema),
		TEST(none_reads_a_whole_table),
		TEST(pages_and_the_next_are_not_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
