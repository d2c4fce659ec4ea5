#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/wanting.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/inside.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/build.h"
#include "daemon/store/context.h"
#include "daemon/store/job.h"
#include "daemon/store/plan.h"
#include "io/clock.h"

/* ---- the table ---- */

#define MAY(state) (1u << JOB_##state)
#define ENDINGS (MAY(FAILED) | MAY(CANCELLED) | MAY(SUPERSEDED))

/* What a state is, and where it may lead. A restart changes no job's state: what ran for it runs
 * again. When you add a state, the CHECK in schema/ and the bits in store/job.c need it as well. */
static const struct {
	const char *step;    /* What runs in it. */
	unsigned may_become; /* A bit for each. */
} states[JOB_STATES] = {
	[JOB_EVALUATING] = { "evaluate", MAY(PLANNING) | MAY(ON_HOLD) | ENDINGS },
	[JOB_PLANNING] = { "plan", MAY(EVALUATING) | MAY(WAITING) | MAY(PUSHING) | MAY(DONE) |
					   MAY(ON_HOLD) | ENDINGS },
	[JOB_WAITING] = { "its build", MAY(PUSHING) | MAY(DONE) | MAY(ON_HOLD) | ENDINGS },
	[JOB_PUSHING] = { "its push", MAY(DONE) | MAY(ON_HOLD) | ENDINGS },
	[JOB_DONE] = { "nothing", 0 },
	[JOB_ON_HOLD] = { "nothing", MAY(EVALUATING) | MAY(PLANNING) | ENDINGS },
	[JOB_FAILED] = { "nothing", MAY(EVALUATING) },
	[JOB_CANCELLED] = { "nothing", MAY(EVALUATING) },
	[JOB_SUPERSEDED] = { "nothing", 0 },
};

/* The one function that changes a job's state. */
static void move_job(
	struct pipeline *p, int64_t id, enum job_state from, const struct job_change *to)
{
	assert((states[from].may_become >> to->state & 1) != 0);
	store_job_change(p->store, id, to);
	p->job_deltas[from]--;
	p->job_deltas[to->state]++;
	note_event(p, "job", id, job_state_name(from), job_state_name(to->state),
		failure_name(to->failure), to->reason);
	log_fact("job %" PRId64 ": %s -> %s%s%s%s", id, job_state_name(from),
		job_state_name(to->state), to->reason == NULL ? "" : " (",
		to->reason == NULL ? "" : to->reason, to->reason == NULL ? "" : ")");
	if (job_state_is_final(to->state))
		p->sweep_roots = true;
	pipeline_wake(p);
}

static void move(
	struct pipeline *p, int64_t id, enum job_state from, enum job_state to, const char *reason)
{
	struct job_change change = { .state = to, .reason = reason, .now_ms = clock_wall_ms() };

	move_job(p, id, from, &change);
}

static void fail(struct pipeline *p, int64_t id, enum job_state from, enum failure failure,
	const char *reason)
{
	struct job_change change = {
		.state = JOB_FAILED,
		.failure = failure,
		.reason = reason,
		.now_ms = clock_wall_ms(),
	};

	move_job(p, id, from, &change);
}

/* True when the job exists and is in `state`. */
static bool is_in(struct pipeline *p, int64_t id, enum job_state state)
{
	struct job job;
	bool is;

	if (!store_job_get(p->store, id, &job))
		return false;
	is = job.state == state;
	job_finish(&job);
	return is;
}

/* ---- evaluated ---- */

void job_evaluated(struct pipeline *p, int64_t id, const char *drv_path)
{
	if (!is_in(p, id, JOB_EVALUATING))
		return;
	store_job_set_derivation(p->store, id, drv_path);
	move(p, id, JOB_EVALUATING, JOB_PLANNING, NULL);
}

void job_not_evaluated(struct pipeline *p, int64_t id, enum failure failure, const char *message)
{
	if (is_in(p, id, JOB_EVALUATING))
		fail(p, id, JOB_EVALUATING, failure, message);
}

void job_skipped(struct pipeline *p, int64_t id, const char *why)
{
	cleanup_free char *reason = str_format("skipped: %s", why);

	if (!is_in(p, id, JOB_EVALUATING))
		return;
	store_job_set_skipped(p->store, id);
	move(p, id, JOB_EVALUATING, JOB_CANCELLED, reason);
}

/* ---- planned ---- */

static void update_want_now(struct pipeline *p, int64_t build_id, int64_t unused)
{
	(void)unused;
	wants_changed(p, build_id);
	pipeline_wake(p);
}

/* Jobs of the build came, went or changed: the schedule must know. */
static void update_want(struct pipeline *p, int64_t build_id)
{
	if (build_id != 0)
		after_commit(p, update_want_now, build_id, 0);
}

/* The state of a job whose build is in `state`. */
static enum job_state state_beside(enum build_state state)
{
	switch (state) {
	case BUILD_BLOCKED:
	case BUILD_READY:
	case BUILD_BUILDING:
	case BUILD_VERIFYING:
		return JOB_WAITING;
	case BUILD_PUSHING:
		return JOB_PUSHING;
	case BUILD_DONE:
		return JOB_DONE;
	case BUILD_FAILED:
		return JOB_FAILED;
	}
	return JOB_WAITING;
}

/* A build that others asked for may lack what this job asks for. What is not verified yet says so
 * when it is. */
static bool holds_its_set(
	struct pipeline *p, int64_t id, int64_t build_id, enum job_state to, struct str *out_why)
{
	struct job job;
	bool holds;

	if ((to != JOB_PUSHING && to != JOB_DONE) || !store_job_get(p->store, id, &job))
		return true;
	holds = verify_job(
		p, build_id, job.built_caps != NULL ? job.built_caps : job.caps, out_why);
	job_finish(&job);
	return holds;
}

void job_planned(
	struct pipeline *p, int64_t id, int64_t build_id, int64_t root_id, const char *outputs)
{
	cleanup_str struct str why = { 0 };
	struct build build;
	enum job_state to;

	if (!is_in(p, id, JOB_PLANNING) || !store_build_get(p->store, build_id, &build))
		return;
	store_job_set_plan(p->store, id, build_id, root_id, outputs);
	to = state_beside(build.state);
	if (to == JOB_FAILED)
		fail(p, id, JOB_PLANNING, build.failure, build.reason);
	else if (!holds_its_set(p, id, build_id, to, &why))
		fail(p, id, JOB_PLANNING, FAILURE_VERIFY, why.text);
	else
		move(p, id, JOB_PLANNING, to, to == JOB_DONE ? "it was built already" : NULL);
	update_want(p, build_id);
	build_finish(&build);
}

void job_is_cached(struct pipeline *p, int64_t id, int64_t build_id, const char *outputs)
{
	cleanup_str struct str why = { 0 };

	if (!is_in(p, id, JOB_PLANNING))
		return;
	store_job_set_plan(p->store, id, build_id, 0, outputs);
	if (holds_its_set(p, id, build_id, JOB_DONE, &why))
		move(p, id, JOB_PLANNING, JOB_DONE, "it was in the cache already");
	else
		fail(p, id, JOB_PLANNING, FAILURE_VERIFY, why.text);
}

void job_not_planned(struct pipeline *p, int64_t id, enum failure failure, const char *message)
{
	if (is_in(p, id, JOB_PLANNING))
		fail(p, id, JOB_PLANNING, failure, message);
}

/* Its build is known all the same: a retry begins there. */
void job_cannot_be_built(struct pipeline *p, int64_t id, int64_t build_id, const char *outputs,
	enum failure failure, const char *message)
{
	if (!is_in(p, id, JOB_PLANNING))
		return;
	store_job_set_plan(p->store, id, build_id, 0, outputs);
	fail(p, id, JOB_PLANNING, failure, message);
}

void job_evaluate_again(struct pipeline *p, int64_t id, const char *why)
{
	if (!is_in(p, id, JOB_PLANNING))
		return;
	store_evaluation_forget(p->store, id); /* Else it would come back as it was. */
	move(p, id, JOB_PLANNING, JOB_EVALUATING, why);
}

/* ---- its build ---- */

struct following {
	struct pipeline *p;
	enum build_state state;
	enum failure failure;
	const char *reason;
};

static void follow(void *owner, int64_t id, enum job_state from)
{
	struct following *f = owner;
	enum job_state to = state_beside(f->state);

	if (from == to || (from != JOB_WAITING && from != JOB_PUSHING))
		return;
	if (to == JOB_FAILED)
		fail(f->p, id, from, f->failure, f->reason);
	else
		move(f->p, id, from, to, f->reason);
}

void jobs_follow_build(struct pipeline *p, int64_t build_id, enum build_state state,
	enum failure failure, const char *reason)
{
	struct following f = { p, state, failure, reason };

	store_jobs_of_build(p->store, build_id, false, follow, &f);
	if (build_state_is_final(state))
		update_want(p, build_id);
}

void job_lacks_code(struct pipeline *p, int64_t id, const char *why)
{
	if (is_in(p, id, JOB_WAITING))
		fail(p, id, JOB_WAITING, FAILURE_VERIFY, why);
}

/* ---- what people ask for ---- */

static int find(struct pipeline *p, int64_t id, struct job *out, struct err *err)
{
	if (!store_job_get(p->store, id, out))
		return err_set(err, CAPQ_ENOTFOUND, "there is no job %" PRId64, id);
	return 0;
}

static int refuse(const struct job *job, const char *verb, const char *hint, struct err *err)
{
	return err_set(err, CAPQ_EEXIST, "job %" PRId64 " is %s and cannot be %s%s", job->id,
		job_state_name(job->state), verb, hint);
}

static void drop_unwanted_now(struct pipeline *p, int64_t build_id, int64_t unused)
{
	(void)unused;
	builds_drop_unwanted(p, build_id);
}

static void drop_evaluation_now(struct pipeline *p, int64_t job_id, int64_t unused)
{
	(void)unused;
	evaluating_drop(p, job_id);
}

int job_cancel(struct pipeline *p, int64_t id, const char *who, struct err *err)
{
	cleanup_free char *reason = str_format("by %s", who);
	struct job job;
	int rv = find(p, id, &job, err);

	if (rv < 0)
		return rv;
	if (job_state_is_final(job.state)) {
		rv = refuse(&job, "cancelled", "", err);
	} else {
		move(p, id, job.state, JOB_CANCELLED, reason);
		update_want(p, job.build_id);
		if (job.build_id != 0)
			after_commit(p, drop_unwanted_now, job.build_id, 0);
		after_commit(p, drop_evaluation_now, id, 0);
	}
	job_finish(&job);
	return rv;
}

struct forgetting {
	struct pipeline *p;
	const char *reason;
};

/* The failures below a job's build are forgotten, so that its new plan tries them again. */
static void forget_failure(void *owner, const struct build *build)
{
	struct forgetting *f = owner;

	if (build->state == BUILD_FAILED)
		store_build_forget_failure(f->p->store, build->id, f->reason);
}

#define FORGET_MAX 100000 /* Builds looked at below a job. */

int job_retry(struct pipeline *p, int64_t id, const char *who, struct err *err)
{
	cleanup_free char *reason = str_format("tried again by %s", who);
	struct forgetting f = { p, reason };
	struct job job;
	int rv = find(p, id, &job, err);

	if (rv < 0)
		return rv;
	if (job.state != JOB_FAILED && job.state != JOB_CANCELLED) {
		rv = refuse(&job, "tried again", "; only failed and cancelled jobs can", err);
	} else if (job.state == JOB_CANCELLED && store_job_has_live_twin(p->store, id)) {
		rv = err_set(err, CAPQ_EEXIST,
			"job %" PRId64 " was cancelled, and the same was submitted again since",
			id);
	} else {
		if (job.build_id != 0)
			store_needs_closure(p->store, job.build_id, FORGET_MAX, forget_failure, &f);
		store_job_clear_plan(p->store, id);
		move(p, id, job.state, JOB_EVALUATING, reason);
	}
	job_finish(&job);
	return rv;
}

int job_hold(struct pipeline *p, int64_t id, const char *who, struct err *err)
{
	cleanup_free char *reason = str_format("by %s", who);
	struct job_change change = {
		.state = JOB_ON_HOLD, .reason = reason, .now_ms = clock_wall_ms()
	};
	struct job job;
	int rv = find(p, id, &job, err);

	if (rv < 0)
		return rv;
	if (job_state_is_final(job.state) || job.state == JOB_ON_HOLD) {
		rv = refuse(&job, "held", "", err);
	} else {
		change.held_state = job.state;
		move_job(p, id, job.state, &change);
		update_want(p, job.build_id);
	}
	job_finish(&job);
	return rv;
}

/* What it waited for may have changed while it was held, so it is planned anew. */
int job_release(struct pipeline *p, int64_t id, const char *who, struct err *err)
{
	cleanup_free char *reason = str_format("released by %s", who);
	struct job job;
	int rv = find(p, id, &job, err);

	if (rv < 0)
		return rv;
	if (job.state != JOB_ON_HOLD)
		rv = refuse(&job, "released", "; it is not on hold", err);
	else
		move(p, id, JOB_ON_HOLD, job.drv_path == NULL ? JOB_EVALUATING : JOB_PLANNING,
			reason);
	job_finish(&job);
	return rv;
}

int job_bump(struct pipeline *p, int64_t id, const char *who, struct err *err)
{
	struct job job;
	int rv = find(p, id, &job, err);

	if (rv < 0)
		return rv;
	if (job_state_is_final(job.state)) {
		rv = refuse(&job, "bumped", "", err);
	} else {
		store_job_bump(p->store, id, clock_wall_ms());
		note_event(p, "job", id, job_state_name(job.state), job_state_name(job.state), "",
			"bumped");
		log_fact("job %" PRId64 ": bumped by %s", id, who);
		update_want(p, job.build_id);
	}
	job_finish(&job);
	return rv;
}
