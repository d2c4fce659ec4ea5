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
	&store_root_statements, &store_batch_statements, &store_want_statements,
	&store_history_statements, &store_stats_statements, &store_trace_statements,
	&store_probe_statements, &store_code_statements, &store_variant_statements,
	&store_support_statements };

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
	"SELECT draining FROM daemon",                          /* One row. */
	"UPDATE daemon SET draining", "SELECT id FROM batches", /* One row at most. */
	"SELECT state, count(*) FROM jobs", /* At the start, and behind a bulk submit. */
	"SELECT state, count(*) FROM builds",
	"SELECT * FROM (SELECT id, drv_path, package", /* The newest history: at the start; bounded.
							*/
	"SELECT submitter, used_ms",                   /* At the start; a small table. */
	"SELECT b.outputs FROM verdicts v", /* The few that are refused, by verdicts_refused. */
	"SELECT r.id FROM roots r",         /* Roots that may go: by roots_to_sweep. */
	"SELECT id FROM attempts WHERE outcome = 'running'", /* By attempts_running. */
	"UPDATE attempts SET outcome = 'interrupted'",
	"SELECT h.package, h.system, h.caps, h.outcome", /* Sums: in a worker thread; bounded. */
	"SELECT c.caps, k.submitted_at",
	"SELECT id, created_at, is_fetch, wall_ms FROM builds", /* Traces: in a worker thread. */
	"SELECT build_id, need_id FROM build_needs ORDER BY",
	"SELECT id, build_id, submitted_at, priority FROM jobs",
	"SELECT id, started_at, wall_ms, package, caps, builder, outcome FROM history", /* A few
											   rows. */
	"SELECT id, drv_path, package, system, caps, machine, builder, is_ride", /* Likewise. */
	"SELECT max(id) FROM history",               /* The end of the table. */
	"DELETE FROM events WHERE at < ? AND id IN", /* Of the oldest few. */
	"DELETE FROM answers WHERE batch_id = ?",    /* Behind a bulk submit that was cut off. */
};

static bool is_allowed(const char *sql)
{
	for (size_t i = 0; i < ARRAY_LEN(may_scan); i++)
		if (str_starts(sql, may_scan[i]))
			return true;
	return false;
}

/* A walk over all rows: "SCAN j", or "SEARCH j ... (rowid<?)", which is one from the end. But not
 * that of a subquery's own rows or of a constant, nor of `batches`, which every question about what
 * is visible looks at: it has one row at most. Events are read on from a place, a few at a time. */
static bool is_walk(const char *detail, const char *sql)
{
	if (strstr(detail, "(rowid<?)") != NULL || strstr(detail, "(rowid>?)") != NULL)
		return strstr(sql, "FROM events") == NULL;
	return str_starts(detail, "SCAN ") && !str_starts(detail, "SCAN CONSTANT") &&
	       !str_starts(detail, "SCAN (") && strcmp(detail, "SCAN batches") != 0 &&
	       strcmp(detail, "SCAN k") != 0 && strcmp(detail, "SCAN needed") != 0;
}

/* Call `each` for each step of the plan that SQLite makes for a statement. */
static void explain(struct store *store, const char *sql,
	void (*each)(void *owner, const char *detail, const char *sql), void *owner)
{
	cleanup_free char *text = str_format("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *stmt = prepare(store, text);

	while (sqlite3_step(stmt) == SQLITE_ROW)
		each(owner, (const char *)sqlite3_column_text(stmt, 3), sql);
	sqlite3_finalize(stmt);
}

static void explain_all(
	struct store *store, void (*each)(void *, const char *, const char *), void *owner)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (int k = 0; k < (*all[i])->n; k++)
			explain(store, (*all[i])->sql[k], each, owner);
}

static void refuse_walk(void *owner, const char *detail, const char *sql)
{
	(void)owner;
	if (is_walk(detail, sql) && !is_allowed(sql))
		fail_msg("%s\nin: %s", detail, sql);
}

static void none_reads_a_whole_table(void **state)
{
	explain_all(((struct store_case *)*state)->store, refuse_walk, NULL);
}

/* Where several indices fit, the one that leaves the fewest rows. */
static const struct {
	const char *part, *index; /* Statements that have `part` use the index. */
} by_index[] = {
	{ "WHERE j.context_id = ? AND j.state = ?", "jobs_context" },
	{ "WHERE r.hash = ? LIMIT 1", "jobs_context" },
	{ "WHERE j.attr = ? AND j.id < ?", "jobs_attr" },
	{ "WHERE j.build_id = ? AND j.id < ?", "jobs_build" },
	{ "WHERE j.state = 'evaluating'", "jobs_state" },
	{ "j.bumped_at > 0", "jobs_bumped" },
	{ "FROM (SELECT id FROM (SELECT id FROM jobs", "jobs_state" },
	{ "FROM (SELECT id FROM (SELECT id FROM builds", "builds_state" },
};

static void count_use(void *owner, const char *detail, const char *sql)
{
	int *uses = owner;

	for (size_t i = 0; i < ARRAY_LEN(by_index); i++)
		if (strstr(sql, by_index[i].part) != NULL &&
			strstr(detail, by_index[i].index) != NULL)
			uses[i]++;
}

static void the_best_index_is_used(void **state)
{
	int uses[ARRAY_LEN(by_index)] = { 0 };

	explain_all(((struct store_case *)*state)->store, count_use, uses);
	for (size_t i = 0; i < ARRAY_LEN(by_index); i++)
		if (uses[i] == 0)
			fail_msg("%s: not by %s", by_index[i].part, by_index[i].index);
}

/* What is read in the order of an index is not sorted: the oldest or the newest come at once. */
static void refuse_sort(void *owner, const char *detail, const char *sql)
{
	(void)owner;
	if (strstr(sql, "ORDER BY j.") != NULL && strstr(detail, "B-TREE") != NULL)
		fail_msg("it sorts: %s", sql);
}

static void the_next_and_the_newest_are_not_sorted_for(void **state)
{
	explain_all(((struct store_case *)*state)->store, refuse_sort, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_fits_the_schema),
		TEST(none_reads_a_whole_table),
		TEST(the_best_index_is_used),
		TEST(the_next_and_the_newest_are_not_sorted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
