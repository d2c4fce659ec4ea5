/* Who wants a build: the jobs whose own derivation it is; and what submitters have used. */
#ifndef CAPQ_DAEMON_STORE_WANT_H
#define CAPQ_DAEMON_STORE_WANT_H

#include "daemon/store/store.h"

/* What was promised when a job's build was planned; all 0: not yet. Times are ms since 1970. */
struct promise {
	int64_t since_at;          /* It waits since then. */
	int64_t start_by;          /* It starts by then. */
	int64_t cost_ms, chain_ms; /* Estimates of that moment: its build, the longest chain. */
};

/* A live job that wants a build; strings are borrowed. Times are ms since 1970. */
struct job_want {
	int64_t job_id, build_id;
	bool is_held;
	int priority;
	bool is_leftover;
	int64_t bumped_at; /* 0: never. */
	int64_t submitted_at;
	struct promise promise;
	const char *rev_from, *caps, *submitter;
};

/* Call `each` for the live jobs that want the build; and for all such, build by build. */
void store_wants_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, const struct job_want *want), void *owner);
void store_wants_each(
	struct store *store, void (*each)(void *owner, const struct job_want *want), void *owner);

/* How much a build that is to be pushed matters: by the most important live job whose own build it
 * is and that nobody holds. */
struct push_rank {
	int64_t build_id;
	int64_t bumped_at; /* Of the one that was bumped last; 0: none was. */
	int priority;      /* The highest; PUSH_UNWANTED: no such job is left. */
};
#define PUSH_UNWANTED (-1001)

/* Call `each` for the builds that are pushing and may be tried by `now_ms`, the one that matters
 * most first, and of equals the oldest, until it returns false. */
void store_push_ranks(struct store *store, int64_t now_ms,
	bool (*each)(void *owner, const struct push_rank *rank), void *owner);

/* Keep the promise that was made to the live jobs of a build, of those that have none yet. */
void store_promise(struct store *store, int64_t build_id, const struct promise *promise);

void store_usage_set(struct store *store, const char *submitter, double used_ms, int64_t at);
void store_usage_each(struct store *store,
	void (*each)(void *owner, const char *submitter, double used_ms, int64_t at), void *owner);

#endif
