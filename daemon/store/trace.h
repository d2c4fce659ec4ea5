/* What is read to tell the past as a trace: the shape of all of it, at once, over a connection of
 * store_open_snapshot(); and what a row says, one by one. */
#ifndef CAPQ_DAEMON_STORE_TRACE_H
#define CAPQ_DAEMON_STORE_TRACE_H

#include "daemon/store/store.h"

/* Every build, by ascending ids. `wall_ms` is -1 when it was never built. */
void store_trace_builds(struct store *store,
	void (*each)(void *owner, int64_t id, int64_t created_at, bool is_fetch, int64_t wall_ms),
	void *owner);

/* Every need, by ascending `build_id`. */
void store_trace_needs(struct store *store,
	void (*each)(void *owner, int64_t build_id, int64_t need_id), void *owner);

/* Every job that has a build, by ascending ids. */
void store_trace_jobs(struct store *store,
	void (*each)(void *owner, int64_t id, int64_t build_id, int64_t submitted_at, int priority),
	void *owner);

/* What a row says of a build and the job that owns it (0: nobody); strings are borrowed. */
struct trace_texts {
	const char *package, *caps;
	const char *builder;                    /* That built it; "": unknown. */
	const char *rev, *rev_from, *submitter; /* "": nobody. */
};
bool store_trace_texts(struct store *store, int64_t build_id, int64_t job_id,
	void (*use)(void *owner, const struct trace_texts *texts), void *owner);

/* What a build needs, by ascending ids. */
void store_trace_needs_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, int64_t need_id), void *owner);

/* Call `each` for the `limit` rows of history behind `after`, oldest first. Returns how many. */
struct trace_past {
	int64_t id, started_at, wall_ms;
	const char *package, *caps, *builder;
	const char *outcome; /* "built", "failed", "interrupted" */
};
int store_trace_past(struct store *store, int64_t after, int limit,
	void (*each)(void *owner, const struct trace_past *past), void *owner);

#endif
