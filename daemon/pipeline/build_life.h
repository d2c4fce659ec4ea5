/* The life of a build. The table stands in build_life.c; these are the facts that move one. All run
 * within a write (inside.h), those marked otherwise aside; each looks the build up and does nothing
 * when it is not in a state to which the fact means something. */
#ifndef CAPQ_DAEMON_PIPELINE_BUILD_LIFE_H
#define CAPQ_DAEMON_PIPELINE_BUILD_LIFE_H

#include "daemon/pipeline/pipeline.h"
#include "lib/job.h"

/* A plan found that an existing build is needed again: done or failed -> blocked, ready or
 * verifying. */
void build_reopened(struct pipeline *p, int64_t id, enum build_state to);

/* blocked -> ready: all it needs is valid, and what was to be fetched is there. */
void build_unblocked(struct pipeline *p, int64_t id);

/* blocked -> verifying: its own outputs were fetched. */
void build_was_fetched(struct pipeline *p, int64_t id);

/* ready, building -> blocked: its inputs are not what they were; it is planned anew. */
void build_plan_again(struct pipeline *p, int64_t id, const char *reason);

/* ready -> blocked: it shares `need_id`, which it counted on building along. Nothing happens to one
 * that runs already. */
void build_needs_more(struct pipeline *p, int64_t id, int64_t need_id);

/* ready -> building */
void build_started(struct pipeline *p, int64_t id, const char *builder, int64_t root_id,
	int64_t *out_attempt_id);

/* building -> verifying */
void build_built(struct pipeline *p, int64_t id, int64_t wall_ms, int64_t core_ms);

/* verifying -> pushing, or done when there is nothing to push; who waits for it goes on. */
void build_verified(struct pipeline *p, int64_t id);

/* pushing -> done */
void build_pushed(struct pipeline *p, int64_t id, int64_t bytes);
void build_not_pushed(struct pipeline *p, int64_t id); /* There is no cache any more. */

/* pushing -> pushing: nothing can be pushed at present, which counts as no try of this build. */
void build_push_waits(struct pipeline *p, int64_t id, const char *reason);

/* A try failed: the class (lib/failure.c) decides whether the state's step is tried again later or
 * the build fails, and with it all that needs it. */
void build_try_failed(struct pipeline *p, int64_t id, enum failure failure, const char *reason);

/* building -> ready, without counting: capqd itself stopped it. */
void build_interrupted(struct pipeline *p, int64_t id, const char *reason);

/* building -> failed (cancelled): it was stopped because no job needs it; ready when one does
 * again. */
void build_dropped(struct pipeline *p, int64_t id);

/* Of the build and what it needs, drop what no job wants any more: what runs is stopped, the rest
 * fails as cancelled. Not within a write. */
void builds_drop_unwanted(struct pipeline *p, int64_t id);

#endif
