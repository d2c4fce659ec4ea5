/* The inside of the pipeline, shared by the files of this folder only. */
#ifndef CAPQ_DAEMON_PIPELINE_INSIDE_H
#define CAPQ_DAEMON_PIPELINE_INSIDE_H

#include "daemon/pipeline/nix.h"
#include "daemon/pipeline/outage.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/revision.h"
#include "daemon/store/store.h"
#include "lib/id_map.h"
#include "lib/job.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/str_map.h"
#include "sched/schedule.h"

/* Look again at that time; it replaces the one that was asked for before. */
void pipeline_wake_at(struct pipeline *p, int64_t mono_ms);

/* ---- events: facts that wait to be written ---- */

/* `write` is run within a transaction of its own and writes rows only. What must change in memory
 * it leaves to after_commit(). When the transaction fails nothing of it happened, and it is run
 * again later: so it must find out everything anew. `data` is freed by `free_data` when it is done.
 */
void pipeline_post(struct pipeline *p, void (*write)(struct pipeline *p, void *data), void *data,
	void (*free_data)(void *data));

/* For `write` functions: do this once the transaction is on the disk. */
void after_commit(struct pipeline *p, void (*action)(struct pipeline *p, int64_t a, int64_t b),
	int64_t a, int64_t b);

/* What people are answered outlives the machine: its commit waits for the disk, and takes all
 * earlier ones along. What capqd found out itself, as events do, outlives capqd: after a power
 * failure it is found out again, and the loop waits for no disk. */
enum durability {
	QUICK,
	DURABLE,
};

/* A transaction that is no event: begin it, and end it. False: nothing of it happened. */
void pipeline_begin(struct pipeline *p, enum durability durability);
bool pipeline_commit(struct pipeline *p);

/* Run the events that are posted, now. False when one could not be committed. Only for the turn's
 * end. */
bool pipeline_run_events(struct pipeline *p);

/* ---- the steps' running operations, each file its own list ---- */

struct evaluating;
struct planning;
struct entering;
struct fetching;
struct unblocking;
struct building;
struct verifying;
struct pushing;
struct dry_run;
struct probing;
struct bulk;
struct accept_group;
struct report;
struct promises;
struct estimates;
struct forecast;
struct relearning;

struct deferred {
	void (*action)(struct pipeline *p, int64_t a, int64_t b);
	int64_t a, b;
};

struct event {
	struct event *next;
	void (*write)(struct pipeline *p, void *data);
	void (*free_data)(void *data);
	void *data;
};

struct pipeline {
	uv_loop_t *loop;
	struct settings *settings;
	char *state_dir, *log_dir, *root_dir, *lock_dir, *capq_push, *capq_inspect, *launcher,
		*nix_version;
	struct store *store;
	struct sched *sched;
	struct children children;
	struct nix nix;
	struct revisions *revisions;
	struct pipeline_watcher watcher;

	uv_check_t turn_end; /* Runs at the end of every loop turn. */
	uv_idle_t no_wait;   /* Active while something waits for the turn's end. */
	uv_timer_t tick;     /* Once a second: what is due by time alone. */
	uv_timer_t due;      /* At the moment when the schedule is to be asked again. */
	int open_handles;

	struct event *first_event, *last_event;
	struct deferred *deferred;
	size_t n_deferred, deferred_capacity;
	bool in_write;            /* A `write` function runs. */
	bool awake;               /* Look what can start. */
	int64_t last_event_id;    /* Newest stored event. */
	int64_t pending_event_id; /* Of the transaction that is open. */

	int64_t job_counts[JOB_STATES], build_counts[BUILD_STATES];
	int64_t job_deltas[JOB_STATES], build_deltas[BUILD_STATES]; /* Of the open transaction. */

	bool is_draining, started;
	bool stopping; /* Nothing new starts. */
	void (*on_stopped)(void *owner);
	void *stop_owner;
	char *store_problem; /* Why the last transaction failed; NULL: it did not. */
	int store_code;      /* CAPQ_ENOSPC or another code for it. */
	char *cache_problem,
		*substituter_problem; /* As the last plan or push had it; NULL: none. */
	char *nix_problem;            /* As the last build had it; NULL: none. */
	bool disk_low;                /* Less room for state_dir than limits.state_free. */
	int64_t ticks, started_at;

	struct evaluating *evaluations;
	struct planning *plans;
	struct entering *enterings;
	struct fetching *fetches;
	struct unblocking *unblocking; /* Posted, and not written yet; NULL: none. */
	struct building *runs;
	struct verifying *verifications;
	struct pushing *pushes;
	struct outage cache_outage; /* No push gets through. */
	struct dry_run *dry_runs;
	struct probing *probings;
	struct bulk *bulks;
	struct accept_group *group;
	struct report *report;
	struct id_map evaluating_jobs, planning_jobs, verifying_builds,
		pushing_builds;      /* In flight. */
	struct id_map plan_alone;    /* Jobs whose plan with others failed: how often alone. */
	struct id_map replan_builds; /* To be planned anew when that is due: how often it failed. */
	struct id_map fetching_builds; /* Waiting for a fetch, or fetching: value 1, 2. */
	struct id_map pinned_roots;    /* Of operations that run. */
	bool recovering_logs;          /* A worker compresses what the last capqd left. */
	bool sweep_roots;              /* Some root, or tree, may be of no use any more. */
	bool sweep_trees;              /* Some tree was left for later, or let go. */
	bool evaluate_all_tried;       /* No job is left to evaluate until something changes. */
	/* Monotonic; after a trouble. */
	int64_t evaluate_not_before_ms, plan_not_before_ms, build_not_before_ms;
	int plan_troubles; /* In a row. */
	int64_t plan_trouble_since_ms, plan_alone_not_before_ms;

	struct estimates *estimates;
	struct relearning *relearning; /* Others are being made; NULL: none. */
	struct promises *promises;     /* Being collected; NULL: none. */
	struct forecast *forecast;     /* The newest; NULL: none. */
	bool is_forecasting;           /* The next one is being made. */
	int n_forecasts;               /* Threads at work for somebody. */
	int64_t forecast_begun_ms, next_forecast_ms;
	uint64_t written_charges; /* sched_charges() when usage was last written. */
};

/* ---- small things that many need ---- */

/* True while new work may start. */
bool pipeline_may_start(const struct pipeline *p);

/* Enter an event row; for the moves. */
void note_event(struct pipeline *p, const char *kind, int64_t subject, const char *before,
	const char *after, const char *failure, const char *reason);

/* Keep a sentence for status, and log it when it is new. NULL: no problem (any more). */
void set_problem(char **where, const char *what, const char *text);

#endif
