/* The way of a job: from accepted to done, whatever dies in between.
 *
 * The pipeline owns everything between the API and the data base: what is accepted (accept.h), what
 * people ask of jobs (command.h), the two tables of states (job_life.h, build_life.h), the steps,
 * and the schedule. See docs/architecture.md, "The loop turn", for the order in which things
 * happen. */
#ifndef CAPQ_DAEMON_PIPELINE_PIPELINE_H
#define CAPQ_DAEMON_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/pipeline/build_run.h"
#include "daemon/store/store.h"
#include "lib/settings.h"
#include "sched/schedule.h"

struct estimates;
struct pipeline;

/* What the pipeline tells whoever watches, all from the loop's thread. */
struct pipeline_watcher {
	/* Events up to `last_id` are stored. */
	void (*on_events)(void *owner, int64_t last_id);
	/* The log of a running attempt grew, or is complete. */
	void (*on_log)(void *owner, int64_t attempt_id);
	/* About once a second while anything runs: progress may be asked for. */
	void (*on_tick)(void *owner);
	/* A loop turn ends: what was answered in it can go out. */
	void (*on_turn_end)(void *owner);
	void *owner;
};

struct pipeline_spec {
	uv_loop_t *loop;
	struct settings
		*settings;     /* Borrowed; changes in place on a reload, see pipeline_reload(). */
	const char *state_dir; /* Borrowed. Exists, and is locked. */
	struct store *store;   /* Borrowed. */
	const char *launcher;  /* Paths of our programs; borrowed. */
	const char *capq_push, *capq_inspect;
	int inherit_fd; /* For all children: the lock. */
};

/* Make it from what the data base says. Nothing starts before pipeline_start(). */
int pipeline_create(const struct pipeline_spec *spec, struct pipeline **out, struct err *err);
void pipeline_start(struct pipeline *p);

/* Begin to stop: nothing new starts, children are asked to end. `on_stopped` runs once, later, when
 * all have ended and what they did is stored. Then pipeline_destroy() may be called; its memory
 * goes with the loop's next turns. */
void pipeline_stop(struct pipeline *p, void (*on_stopped)(void *owner), void *owner);
void pipeline_destroy(struct pipeline *p);

void pipeline_watch(struct pipeline *p, const struct pipeline_watcher *watcher); /* One. */

/* There is something to do at the end of this turn: do not wait. */
void pipeline_wake(struct pipeline *p);

/* The settings have changed in place. */
void pipeline_reload(struct pipeline *p);

/* Start nothing any more, or go on; on the disk when this returns 0. Otherwise it cannot be stored,
 * and nothing has changed. Not within a write. */
int pipeline_drain(struct pipeline *p, bool drain, struct err *err);
bool pipeline_is_draining(const struct pipeline *p);

/* ---- how it stands ---- */

const int64_t *pipeline_job_counts(const struct pipeline *p);   /* JOB_STATES numbers. */
const int64_t *pipeline_build_counts(const struct pipeline *p); /* BUILD_STATES numbers. */
size_t pipeline_n_evaluations(const struct pipeline *p);
size_t pipeline_n_pushes(const struct pipeline *p);
size_t pipeline_n_children(const struct pipeline *p);
struct sched *pipeline_sched(const struct pipeline *p);
const struct estimates *pipeline_estimates(const struct pipeline *p);
struct store *pipeline_store(const struct pipeline *p);
struct revisions *pipeline_revisions(const struct pipeline *p);
const struct settings *pipeline_settings(const struct pipeline *p);
const char *pipeline_log_directory(const struct pipeline *p);
const char *pipeline_state_dir(const struct pipeline *p);
const char *pipeline_nix_version(const struct pipeline *p); /* NULL: not known yet. */
int64_t pipeline_last_event(const struct pipeline *p);
int64_t pipeline_started_at(const struct pipeline *p); /* ms since 1970 */
uv_loop_t *pipeline_loop(const struct pipeline *p);

/* What keeps it from working, one sentence each. */
void pipeline_problems(
	struct pipeline *p, void (*each)(void *owner, const char *text), void *owner);

/* How fast the builder of that name is: 1 is the one that costs are told for; also of one that is
 * not configured (any more). */
double pipeline_speed(const struct pipeline *p, const char *builder);

/* When a build is expected to start and to be done, as of some seconds ago. False: not known. */
bool pipeline_eta(const struct pipeline *p, int64_t build_id, struct eta *out);

/* How far a build is that runs. False: it does not. */
bool pipeline_progress(const struct pipeline *p, int64_t build_id, struct build_progress *out);
void pipeline_each_running(const struct pipeline *p,
	void (*each)(void *owner, int64_t build_id, const struct build_progress *progress),
	void *owner);
int64_t pipeline_pushed_bytes(const struct pipeline *p, int64_t build_id); /* -1: no push runs. */

#endif
