/* The table of jobs. */
#ifndef CAPQ_DAEMON_STORE_JOB_H
#define CAPQ_DAEMON_STORE_JOB_H

#include "daemon/store/store.h"
#include "lib/job.h"

/* A job to enter; strings are borrowed. */
struct job_entry {
	const char *attr; /* Canonical. */
	int64_t context_id;
	const char *caps_from; /* struct job */
	const char *rev_from;
	const char *submitter;
	enum unsupported unsupported;
	int priority;
	bool is_leftover;
	int64_t batch_id; /* 0: it is visible at once. */
	int64_t now_ms;
};

struct job_entered {
	int64_t id;
	bool existing; /* It was there already. */
	bool adopted;  /* It belonged to the batch that is being written, and does not any more. */
	int64_t raised_build; /* It was there as a leftover and is none any more, and had this
				 build; 0. */
	enum job_state state;
};

/* Enter the job unless a live one of its identity is there. One that is there but belongs to the
 * batch that is being written is taken out of it when `batch_id` is 0: it becomes visible at once,
 * and stays should the batch be dropped. One that is there as a leftover is none any more when it
 * is entered again as more than that. */
void store_job_enter(struct store *store, const struct job_entry *entry, struct job_entered *out);

/* False when there is none, or it belongs to a batch that is not whole. The caller ends with
 * job_finish(). */
bool store_job_get(struct store *store, int64_t id, struct job *out);

/* What a change of state writes. `finished_at` is set for final states and cleared for others. */
struct job_change {
	enum job_state state, held_state; /* held_state: with JOB_ON_HOLD. */
	enum failure failure;
	const char *reason; /* NULL: none. */
	int64_t now_ms;
};
void store_job_change(struct store *store, int64_t id, const struct job_change *change);

void store_job_set_derivation(struct store *store, int64_t id, const char *drv_path);
void store_job_set_plan(
	struct store *store, int64_t id, int64_t build_id, int64_t root_id, const char *outputs);
/* Neither build nor root any more, and what was asked for is to be built. */
void store_job_clear_plan(struct store *store, int64_t id);

/* What is built in place of what was asked for: that context's set. */
void store_job_set_built(struct store *store, int64_t id, int64_t context_id);
void store_job_set_unsupported(struct store *store, int64_t id, enum unsupported policy);
void store_job_set_skipped(struct store *store, int64_t id);
void store_job_bump(struct store *store, int64_t id, int64_t now_ms);
void store_jobs_set_started(struct store *store, int64_t build_id, int64_t now_ms);

/* The first visible job to evaluate that `skip` does not say to skip: bumped ones first, then the
 * oldest. Returns the context of what is built; 0: there is none. */
int64_t store_job_next_context(
	struct store *store, bool (*skip)(void *owner, int64_t job), void *owner);

/* Call `each` for the visible jobs of `state`, oldest first, until it returns false. With
 * `context_id` 0: of all contexts; else those of which this is built. */
void store_jobs_each(struct store *store, enum job_state state, int64_t context_id,
	bool (*each)(void *owner, int64_t id, const char *attr, int64_t context_id,
		const char *drv_path),
	void *owner);

/* Call `each` for the jobs whose derivation the build builds and that are neither final nor, unless
 * `with_held`, on hold. */
void store_jobs_of_build(struct store *store, int64_t build_id, bool with_held,
	void (*each)(void *owner, int64_t id, enum job_state state), void *owner);

/* True when another job of the same identity is there that is neither cancelled nor superseded. */
bool store_job_has_live_twin(struct store *store, int64_t id);

/* How many visible jobs there are of each state. */
void store_jobs_count(struct store *store, int64_t counts[JOB_STATES]);

/* A page of jobs, newest first. */
struct job_filter {
	uint32_t states;  /* A bit each, 1 << JOB_DONE; 0: all. */
	const char *attr; /* NULL: any. */
	const char *caps;
	const char *rev; /* The hash or its beginning. */
	const char *flavour;
	const char *system;
	int64_t build_id;  /* 0: any. */
	int64_t before_id; /* Only ids below; 0: from the newest. */
	int limit;         /* How many at most. */
};

/* Calls `each` for each job (borrowed) and returns the id to go on before, 0 at the end. It looks
 * at no more than JOB_SCAN_MAX rows, so it may return early with fewer than `limit`. */
#define JOB_SCAN_MAX 2000
int64_t store_jobs_page(struct store *store, const struct job_filter *filter,
	void (*each)(void *owner, const struct job *job), void *owner);

/* True when a live job refers to the root. */
bool store_job_uses_root(struct store *store, int64_t root_id);

#endif
