/* One prepared statement being run; for daemon/store only.
 *
 *   struct query q = query_begin(store, &statements, GET);
 *   query_int(&q, id);
 *   if (query_row(&q))
 *           text = query_get_text(&q, 0);
 *   query_end(&q);
 *
 * Binders advance by themselves. A failure is kept in the store (store.h), rows simply end. */
#ifndef CAPQ_DAEMON_STORE_QUERY_H
#define CAPQ_DAEMON_STORE_QUERY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/store.h"

/* The statements of one file, and where the store keeps them once prepared. */
struct statements {
	int slot; /* enum statement_slot */
	int n;
	const char *const *sql;
};

enum statement_slot {
	SLOT_STORE,
	SLOT_JOB,
	SLOT_BUILD,
	SLOT_PLAN,
	SLOT_ATTEMPT,
	SLOT_CONTEXT,
	SLOT_EVENT,
	SLOT_ROOT,
	SLOT_BATCH,
	SLOT_WANT,
	SLOT_HISTORY,
	SLOT_STATS,
	SLOT_TRACE,
	SLOT_PROBE,
	SLOT_CODE,
	SLOT_VARIANT,
	SLOT_SUPPORT,
	SLOTS,
};

/* All statements, in the order of their slots; so that a test can prepare and explain each. */
extern const struct statements *const store_store_statements,
	*const store_job_statements,
		*const store_build_statements,
			*const store_plan_statements,
				*const store_attempt_statements,
					*const store_context_statements,
						*const store_event_statements,
							*const store_root_statements,
								*const store_batch_statements,
									*const store_want_statements,
										*const store_history_statements,
											*const store_stats_statements,
												*const store_trace_statements,
													*const store_probe_statements,
														*const store_code_statements,
															*const store_variant_statements,
																*const store_support_statements;

struct query {
	struct store *store;
	sqlite3_stmt *stmt; /* NULL: the store has failed; everything below does nothing. */
	int next;           /* Parameter to bind next, from 1. */
};

struct query query_begin(struct store *store, const struct statements *of, int which);
void query_int(struct query *q, int64_t value);
void query_int_or_null(struct query *q, int64_t value, int64_t null_value);
void query_real(struct query *q, double value);
void query_text(struct query *q, const char *text); /* NULL: null. Borrowed until query_end(). */
void query_blob(struct query *q, const void *bytes, size_t len);

/* Run on to the next row. False: no more, or failed. */
bool query_row(struct query *q);
int64_t query_get_int(struct query *q, int column); /* NULL: 0. */
int64_t query_get_int_or(struct query *q, int column, int64_t null_value);
double query_get_real(struct query *q, int column);      /* NULL: 0. */
const char *query_get_text(struct query *q, int column); /* NULL: NULL. Until the next row. */
char *query_copy_text(struct query *q, int column);      /* The caller frees. */
const void *query_get_blob(struct query *q, int column, size_t *out_len);
void query_end(struct query *q);

/* query_row() to the end, for statements that answer nothing; then query_end(). */
void query_run(struct query *q);

/* Rows that the last statement changed; the id of the last row it inserted. */
int64_t store_changes(const struct store *store);
int64_t store_last_id(const struct store *store);

sqlite3 *store_db(struct store *store);

#endif
