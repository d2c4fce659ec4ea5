/* The newest rows of what there is, as sums are made of them: many rows at a time, so not for the
 * loop's thread but over a connection of store_open_snapshot(). */
#ifndef CAPQ_DAEMON_STORE_STATS_H
#define CAPQ_DAEMON_STORE_STATS_H

#include "daemon/store/store.h"
#include "lib/job.h"

/* A derivation that Nix built, or tried to; strings are borrowed. */
struct stats_run {
	const char *package, *system, *caps;
	const char *outcome; /* "built", "failed", "interrupted" */
	int64_t started_at, wall_ms;
	const char
		*basis; /* What it was expected to take rested on that; NULL: nothing expected. */
	int64_t estimate_ms, estimate_p90_ms;
};

/* Call `each` for the newest `limit` of them, newest first. */
void store_stats_runs(struct store *store, int limit,
	void (*each)(void *owner, const struct stats_run *run), void *owner);

/* A job; times are ms since 1970, 0: not yet. */
struct stats_job {
	const char *caps;
	enum job_state state;
	int64_t submitted_at, started_at, finished_at;
	int64_t chain_ms; /* Estimate of its longest chain; 0: none was made. */
	int64_t start_by; /* The promise; 0: none was made. */
	int64_t wall_ms;  /* Of its derivation's build; -1: not known. */
};

/* Call `each` for the newest `limit` jobs of the state. */
void store_stats_jobs(struct store *store, enum job_state state, int limit,
	void (*each)(void *owner, const struct stats_job *job), void *owner);

#endif
