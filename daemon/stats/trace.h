/* The past as CSV, in the forms that capq-sim(1) reads: a trace of what was built, and a history of
 * what was built before it. Rows are builds.
 *
 *   trace_make()                         on a worker thread: who wanted what when
 *   while (trace_next(...))              then, on the loop's, some rows at a time
 *
 * What was never built is left out, and so are downloads, which take no slot. */
#ifndef CAPQ_DAEMON_STATS_TRACE_H
#define CAPQ_DAEMON_STATS_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/store.h"
#include "lib/csv_out.h"

struct trace;

/* Look through the data base, which another connection has open. Time 0 of the trace is `since_ms`,
 * and what arrived before is left out; with 0, it is when the first build arrived. */
int trace_make(const char *database, int64_t since_ms, struct trace **out, struct err *err);
void trace_destroy(struct trace *trace); /* NULL is harmless. */

/* Costs are told as on a builder of speed 1: what a build took is multiplied by the speed of the
 * builder that is called so. */
struct trace_speeds {
	double (*of)(void *owner, const char *builder);
	void *owner;
};

/* Append at most `max` rows, before the first of them the header. False: there are no more. */
bool trace_next(struct trace *trace, struct store *store, const struct trace_speeds *speeds,
	int max, struct csv_out *out);

/* What was known when a trace with the same `since_ms` begins; zero-initialise the rest. */
struct trace_history {
	int64_t since_ms;
	int64_t last_id; /* Row of history that was looked at last. */
	bool began, ended;
};
bool trace_history_next(struct trace_history *history, struct store *store,
	const struct trace_speeds *speeds, int max, struct csv_out *out);

#endif
