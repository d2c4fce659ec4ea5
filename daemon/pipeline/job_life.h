/* The life of a job. The table stands in job_life.c; these are the facts that move one. All run
 * within a write (inside.h). Each looks the job up and does nothing when it is not in a state to
 * which the fact means something: it may have been cancelled meanwhile. */
#ifndef CAPQ_DAEMON_PIPELINE_JOB_LIFE_H
#define CAPQ_DAEMON_PIPELINE_JOB_LIFE_H

#include "daemon/pipeline/pipeline.h"
#include "lib/job.h"

/* evaluating -> planning, failed */
void job_evaluated(struct pipeline *p, int64_t id, const char *drv_path);
void job_skipped(struct pipeline *p, int64_t id, const char *why); /* -> cancelled */
void job_not_evaluated(struct pipeline *p, int64_t id, enum failure failure, const char *message);

/* planning -> waiting, pushing, done as the build's state says; failed. `root_id` protects what it
 * needs until it is final. */
void job_planned(
	struct pipeline *p, int64_t id, int64_t build_id, int64_t root_id, const char *outputs);
/* planning -> done; failed when it was seen not to hold what the job asks for. */
void job_is_cached(struct pipeline *p, int64_t id, int64_t build_id, const char *outputs);
void job_not_planned(struct pipeline *p, int64_t id, enum failure failure, const char *message);
void job_cannot_be_built(struct pipeline *p, int64_t id, int64_t build_id, const char *outputs,
	enum failure failure, const char *message);
void job_evaluate_again(
	struct pipeline *p, int64_t id, const char *why); /* planning -> evaluating */

/* waiting -> failed: its build does not hold the GPU code that this job asks for. */
void job_lacks_code(struct pipeline *p, int64_t id, const char *why);

/* All jobs whose derivation this is follow their build. */
void jobs_follow_build(struct pipeline *p, int64_t build_id, enum build_state state,
	enum failure failure, const char *reason);

/* What people ask for. CAPQ_ENOTFOUND, CAPQ_EEXIST when its state forbids it. */
int job_cancel(struct pipeline *p, int64_t id, const char *who, struct err *err);
int job_retry(struct pipeline *p, int64_t id, const char *who, struct err *err);
int job_hold(struct pipeline *p, int64_t id, const char *who, struct err *err);
int job_release(struct pipeline *p, int64_t id, const char *who, struct err *err);
int job_bump(struct pipeline *p, int64_t id, const char *who, struct err *err);

#endif
