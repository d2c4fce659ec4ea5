#include "daemon/store/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/query.h"
#include "lib/mem.h"

#define COLUMNS                                                                                    \
	"id, build_id, number, builder, started_at, finished_at, outcome, failure, reason, "       \
	"log_bytes"

enum {
	START,
	END,
	GET,
	GET_NEWEST,
	ALL,
	RUNNING,
	INTERRUPT,
	SET_LOG_BYTES,
	LOGS_BEFORE,
	LOG_GONE,
	ADD_HISTORY,
	SET_BYTES,
	NEWEST_HISTORY,
	HISTORY_AFTER,
	LAST_HISTORY,
	ADD_START,
	GET_START,
	N_STATEMENTS,
};

/* In the order that each_history() reads. */
#define HISTORY_COLUMNS                                                                            \
	"id, drv_path, package, system, caps, machine, builder, is_ride, started_at, wall_ms, "    \
	"core_ms, output_bytes, outcome"

static const char *const sql[N_STATEMENTS] = {
	[START] = "INSERT INTO attempts (build_id, number, builder, started_at, outcome) VALUES "
		  "(?, ?, ?, ?, 'running')",
	[END] = "UPDATE attempts SET outcome = ?, failure = ?, reason = ?, log_bytes = ?, "
		"finished_at = ? WHERE id = ?",
	[GET] = "SELECT " COLUMNS " FROM attempts WHERE build_id = ? AND number = ?",
	[GET_NEWEST] = "SELECT " COLUMNS " FROM attempts WHERE build_id = ? ORDER BY number DESC "
		       "LIMIT 1",
	[ALL] = "SELECT " COLUMNS " FROM attempts WHERE build_id = ? ORDER BY number",
	[RUNNING] = "SELECT id FROM attempts WHERE outcome = 'running'",
	[SET_LOG_BYTES] = "UPDATE attempts SET log_bytes = ? WHERE id = ?",
	[INTERRUPT] = "UPDATE attempts SET outcome = 'interrupted', failure = 'interrupted', "
		      "reason = 'capqd ended', finished_at = ? WHERE outcome = 'running'",
	[LOGS_BEFORE] = "SELECT id FROM attempts INDEXED BY attempts_finished WHERE log_bytes >= 0 "
			"AND finished_at > 0 AND finished_at < ? ORDER BY finished_at LIMIT ?",
	[LOG_GONE] = "UPDATE attempts SET log_bytes = -1 WHERE id = ?",
	[ADD_HISTORY] =
		"INSERT INTO history (attempt_id, drv_path, package, system, caps, machine, "
		"builder, is_ride, started_at, wall_ms, core_ms, output_bytes, outcome) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SET_BYTES] = "UPDATE history SET output_bytes = ? WHERE id = ?",
	[ADD_START] = "INSERT INTO starts (attempt_id, rule, score, start_by, runner_up, "
		      "runner_up_score, estimate_ms, estimate_p90_ms, basis) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[GET_START] = "SELECT rule, score, start_by, runner_up, runner_up_score, estimate_ms, "
		      "estimate_p90_ms, basis FROM starts WHERE attempt_id = ?",
	[NEWEST_HISTORY] = "SELECT * FROM (SELECT " HISTORY_COLUMNS
			   " FROM history ORDER BY id DESC LIMIT ?) ORDER BY id",
	[HISTORY_AFTER] =
		"SELECT " HISTORY_COLUMNS " FROM history WHERE id > ? ORDER BY id LIMIT ?",
	[LAST_HISTORY] = "SELECT max(id) FROM history",
};

static const struct statements statements = { SLOT_ATTEMPT, N_STATEMENTS, sql };
const struct statements *const store_attempt_statements = &statements;

void attempt_finish(struct attempt *attempt)
{
	free(attempt->builder);
	free(attempt->outcome);
	free(attempt->reason);
	memset(attempt, 0, sizeof *attempt);
}

int64_t store_attempt_start(
	struct store *store, int64_t build_id, int number, const char *builder, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, START);

	query_int(&q, build_id);
	query_int(&q, number);
	query_text(&q, builder);
	query_int(&q, now_ms);
	query_run(&q);
	return store_last_id(store);
}

void store_attempt_end(struct store *store, int64_t id, const char *outcome, enum failure failure,
	const char *reason, int64_t log_bytes, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, END);

	query_text(&q, outcome);
	query_text(&q, failure_name(failure));
	query_text(&q, reason);
	query_int(&q, log_bytes);
	query_int(&q, now_ms);
	query_int(&q, id);
	query_run(&q);
}

static void row_to_attempt(struct query *q, struct attempt *a)
{
	memset(a, 0, sizeof *a);
	a->id = query_get_int(q, 0);
	a->build_id = query_get_int(q, 1);
	a->number = (int)query_get_int(q, 2);
	a->builder = query_copy_text(q, 3);
	a->started_at = query_get_int(q, 4);
	a->finished_at = query_get_int(q, 5);
	a->outcome = query_copy_text(q, 6);
	(void)failure_from_name(query_get_text(q, 7), &a->failure);
	a->reason = query_copy_text(q, 8);
	a->log_bytes = query_get_int(q, 9);
}

bool store_attempt_get(struct store *store, int64_t build_id, int number, struct attempt *out)
{
	struct query q = query_begin(store, &statements, number == 0 ? GET_NEWEST : GET);
	bool found;

	query_int(&q, build_id);
	if (number != 0)
		query_int(&q, number);
	found = query_row(&q);
	if (found)
		row_to_attempt(&q, out);
	query_end(&q);
	return found;
}

void store_attempts_of(struct store *store, int64_t build_id,
	void (*each)(void *, const struct attempt *), void *owner)
{
	struct query q = query_begin(store, &statements, ALL);

	query_int(&q, build_id);
	while (query_row(&q)) {
		struct attempt attempt;

		row_to_attempt(&q, &attempt);
		each(owner, &attempt);
		attempt_finish(&attempt);
	}
	query_end(&q);
}

void store_attempts_running(struct store *store, void (*each)(void *, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, RUNNING);

	while (query_row(&q))
		each(owner, query_get_int(&q, 0));
	query_end(&q);
}

void store_attempt_set_log_bytes(struct store *store, int64_t id, int64_t log_bytes)
{
	struct query q = query_begin(store, &statements, SET_LOG_BYTES);

	query_int(&q, log_bytes);
	query_int(&q, id);
	query_run(&q);
}

void store_attempts_interrupt(struct store *store, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, INTERRUPT);

	query_int(&q, now_ms);
	query_run(&q);
}

void store_logs_before(struct store *store, int64_t before_ms, int limit,
	void (*each)(void *, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, LOGS_BEFORE);
	cleanup_free int64_t *ids = xcalloc((size_t)limit, sizeof *ids);
	int n = 0;

	query_int(&q, before_ms);
	query_int(&q, limit);
	while (query_row(&q))
		ids[n++] = query_get_int(&q, 0);
	query_end(&q);
	for (int i = 0; i < n; i++)
		each(owner, ids[i]);
}

void store_log_gone(struct store *store, int64_t attempt_id)
{
	struct query q = query_begin(store, &statements, LOG_GONE);

	query_int(&q, attempt_id);
	query_run(&q);
}

void store_start_add(struct store *store, int64_t attempt_id, const struct start *start)
{
	struct query q = query_begin(store, &statements, ADD_START);

	query_int(&q, attempt_id);
	query_text(&q, start->rule);
	query_real(&q, start->score);
	query_int(&q, start->start_by);
	query_int(&q, start->runner_up);
	query_real(&q, start->runner_up_score);
	query_int(&q, start->estimate_ms);
	query_int(&q, start->estimate_p90_ms);
	query_text(&q, start->basis);
	query_run(&q);
}

void store_start_of(struct store *store, int64_t attempt_id,
	void (*each)(void *, const struct start *), void *owner)
{
	struct query q = query_begin(store, &statements, GET_START);

	query_int(&q, attempt_id);
	if (query_row(&q)) {
		struct start start = {
			.rule = query_get_text(&q, 0),
			.score = query_get_real(&q, 1),
			.start_by = query_get_int(&q, 2),
			.runner_up = query_get_int(&q, 3),
			.runner_up_score = query_get_real(&q, 4),
			.estimate_ms = query_get_int(&q, 5),
			.estimate_p90_ms = query_get_int(&q, 6),
			.basis = query_get_text(&q, 7),
		};

		each(owner, &start);
	}
	query_end(&q);
}

int64_t store_history_add(struct store *store, const struct history_entry *e)
{
	struct query q = query_begin(store, &statements, ADD_HISTORY);

	query_int(&q, e->attempt_id);
	query_text(&q, e->drv_path);
	query_text(&q, e->package);
	query_text(&q, e->system);
	query_text(&q, e->caps);
	query_text(&q, e->machine);
	query_text(&q, e->builder);
	query_int(&q, e->is_ride);
	query_int(&q, e->started_at);
	query_int(&q, e->wall_ms);
	query_int_or_null(&q, e->core_ms, -1);
	query_int_or_null(&q, e->output_bytes, -1);
	query_text(&q, e->outcome);
	query_run(&q);
	return store_last_id(store);
}

void store_history_set_bytes(struct store *store, int64_t id, int64_t output_bytes)
{
	struct query q = query_begin(store, &statements, SET_BYTES);

	query_int(&q, output_bytes);
	query_int(&q, id);
	query_run(&q);
}

static int each_history(
	struct query *q, void (*each)(void *, const struct history_entry *), void *owner)
{
	int n = 0;

	for (; query_row(q); n++) {
		struct history_entry entry = {
			.id = query_get_int(q, 0),
			.drv_path = query_get_text(q, 1),
			.package = query_get_text(q, 2),
			.system = query_get_text(q, 3),
			.caps = query_get_text(q, 4),
			.machine = query_get_text(q, 5),
			.builder = query_get_text(q, 6),
			.is_ride = query_get_int(q, 7) != 0,
			.started_at = query_get_int(q, 8),
			.wall_ms = query_get_int(q, 9),
			.core_ms = query_get_int_or(q, 10, -1),
			.output_bytes = query_get_int_or(q, 11, -1),
			.outcome = query_get_text(q, 12),
		};

		each(owner, &entry);
	}
	query_end(q);
	return n;
}

void store_history_each(struct store *store, int limit,
	void (*each)(void *, const struct history_entry *), void *owner)
{
	struct query q = query_begin(store, &statements, NEWEST_HISTORY);

	query_int(&q, limit);
	(void)each_history(&q, each, owner);
}

int store_history_after(struct store *store, int64_t after_id, int limit,
	void (*each)(void *, const struct history_entry *), void *owner)
{
	struct query q = query_begin(store, &statements, HISTORY_AFTER);

	query_int(&q, after_id);
	query_int(&q, limit);
	return each_history(&q, each, owner);
}

int64_t store_history_last_id(struct store *store)
{
	struct query q = query_begin(store, &statements, LAST_HISTORY);
	int64_t id = query_row(&q) ? query_get_int_or(&q, 0, 0) : 0;

	query_end(&q);
	return id;
}
