#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/wanting.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/inside.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/attempt.h"
#include "daemon/store/build.h"
#include "daemon/store/job.h"
#include "daemon/store/plan.h"
#include "daemon/store/root.h"
#include "io/clock.h"
#include "lib/time_text.h"

/* ---- the table ---- */

#define MAY(state) (1u << BUILD_##state)

/* What a state is, where it may lead, and what a restart turns it into. When you add a state, the
 * CHECK in schema/ and the bits in store/build.c need it as well. */
static const struct {
	const char *step;
	unsigned may_become;
	enum build_state after_restart;
} states[BUILD_STATES] = {
	[BUILD_BLOCKED] = { "other builds, fetch",
		MAY(BLOCKED) | MAY(READY) | MAY(VERIFYING) | MAY(FAILED), BUILD_BLOCKED },
	[BUILD_READY] = { "the schedule", MAY(READY) | MAY(BUILDING) | MAY(BLOCKED) | MAY(FAILED),
		BUILD_READY },
	[BUILD_BUILDING] = { "build", MAY(VERIFYING) | MAY(READY) | MAY(BLOCKED) | MAY(FAILED),
		BUILD_READY },
	[BUILD_VERIFYING] = { "verify", MAY(VERIFYING) | MAY(PUSHING) | MAY(DONE) | MAY(FAILED),
		BUILD_VERIFYING },
	[BUILD_PUSHING] = { "push", MAY(PUSHING) | MAY(DONE) | MAY(FAILED), BUILD_PUSHING },
	[BUILD_DONE] = { "nothing", MAY(BLOCKED) | MAY(READY) | MAY(VERIFYING), BUILD_DONE },
	[BUILD_FAILED] = { "nothing", MAY(BLOCKED) | MAY(READY) | MAY(VERIFYING), BUILD_FAILED },
};

enum build_state build_state_after_restart(enum build_state state)
{
	return states[state].after_restart;
}

/* The one function that changes a build's state. */
static void move_build(struct pipeline *p, const struct build *build, const struct build_change *to)
{
	assert((states[build->state].may_become >> to->state & 1) != 0);
	store_build_change(p->store, build->id, to);
	p->build_deltas[build->state]--;
	p->build_deltas[to->state]++;
	note_event(p, "build", build->id, build_state_name(build->state),
		build_state_name(to->state), failure_name(to->failure), to->reason);
	log_fact("build %" PRId64 " %s: %s -> %s%s%s%s", build->id, build->name,
		build_state_name(build->state), build_state_name(to->state),
		to->reason == NULL ? "" : " (", to->reason == NULL ? "" : to->reason,
		to->reason == NULL ? "" : ")");
	jobs_follow_build(p, build->id, to->state, to->failure, to->reason);
	if (build_state_is_final(to->state))
		p->sweep_roots = true;
	pipeline_wake(p);
}

static void move(
	struct pipeline *p, const struct build *build, enum build_state to, const char *reason)
{
	struct build_change change = { .state = to, .reason = reason, .now_ms = clock_wall_ms() };

	move_build(p, build, &change);
}

/* The build when it is in one of `mask`'s states; the caller ends with build_finish(). */
static bool find(struct pipeline *p, int64_t id, unsigned mask, struct build *out)
{
	if (!store_build_get(p->store, id, out))
		return false;
	if ((mask >> out->state & 1) != 0)
		return true;
	build_finish(out);
	return false;
}

/* ---- what follows in memory ---- */

static void open_now(void *owner, int64_t id)
{
	fetch_or_unblock(owner, id);
}

struct ids {
	int64_t *ids;
	size_t n, capacity;
};

static void collect(void *owner, int64_t id)
{
	struct ids *c = owner;

	array_reserve(&c->ids, &c->capacity, c->n + 1, sizeof *c->ids);
	c->ids[c->n++] = id;
}

/* It is valid: who waited for it goes on. What it still needed (somebody else built it, it was
 * fetched after all) may be of no use any more. */
static void built_now(struct pipeline *p, int64_t id, int64_t unused)
{
	struct ids needs = { 0 };

	(void)unused;
	sched_each_need(p->sched, id, collect, &needs);
	if (sched_state(p->sched, id) != SCHED_UNKNOWN)
		sched_built(p->sched, id, clock_mono_ms(), open_now, p);
	for (size_t i = 0; i < needs.n; i++)
		builds_drop_unwanted(p, needs.ids[i]);
	free(needs.ids);
	pipeline_wake(p);
}

/* READY or RUNNING -> OPEN in the schedule. */
static void requeue_now(struct pipeline *p, int64_t id, int64_t unused)
{
	(void)unused;
	if (sched_state(p->sched, id) != SCHED_UNKNOWN)
		sched_requeue(p->sched, id, clock_mono_ms());
	pipeline_wake(p);
}

static void ready_now(struct pipeline *p, int64_t id, int64_t not_before)
{
	if (sched_state(p->sched, id) == SCHED_RUNNING)
		sched_requeue(p->sched, id, clock_mono_ms());
	if (sched_state(p->sched, id) == SCHED_OPEN)
		sched_set_ready(p->sched, id, schedule_time(not_before));
	pipeline_wake(p);
}

static void remove_now(struct pipeline *p, int64_t id, int64_t unused)
{
	(void)unused;
	sched_remove(p->sched, id, clock_mono_ms());
	pipeline_wake(p);
}

static void plan_build_now(struct pipeline *p, int64_t id, int64_t unused)
{
	(void)unused;
	plan_build(p, id);
}

/* ---- to ready ---- */

void build_reopened(struct pipeline *p, int64_t id, enum build_state to)
{
	struct build build;

	if (!find(p, id, MAY(DONE) | MAY(FAILED), &build))
		return;
	move(p, &build, to, "it is needed again");
	build_finish(&build);
}

void build_unblocked(struct pipeline *p, int64_t id)
{
	struct build build;

	if (!find(p, id, MAY(BLOCKED), &build))
		return;
	move(p, &build, BUILD_READY, NULL);
	after_commit(p, ready_now, id, 0);
	build_finish(&build);
}

void build_was_fetched(struct pipeline *p, int64_t id)
{
	struct build build;

	if (!find(p, id, MAY(BLOCKED), &build))
		return;
	move(p, &build, BUILD_VERIFYING, "fetched, not built");
	build_finish(&build);
}

void build_plan_again(struct pipeline *p, int64_t id, const char *reason)
{
	struct build build;

	if (!find(p, id, MAY(READY) | MAY(BUILDING), &build))
		return;
	move(p, &build, BUILD_BLOCKED, reason);
	after_commit(p, requeue_now, id, 0);
	after_commit(p, plan_build_now, id, 0);
	build_finish(&build);
}

static void add_need_now(struct pipeline *p, int64_t id, int64_t need_id)
{
	enum sched_state state = sched_state(p->sched, id);

	if (state != SCHED_UNKNOWN && state != SCHED_RUNNING)
		(void)sched_add_need(p->sched, id, need_id);
}

void build_needs_more(struct pipeline *p, int64_t id, int64_t need_id)
{
	struct build build;

	if (!find(p, id, MAY(BLOCKED) | MAY(READY), &build))
		return;
	store_need_add(p->store, id, need_id);
	if (build.state == BUILD_READY)
		move(p, &build, BUILD_BLOCKED, "another build needs the same source");
	after_commit(p, add_need_now, id, need_id);
	build_finish(&build);
}

/* ---- building ---- */

void build_started(struct pipeline *p, int64_t id, const char *builder, int64_t root_id,
	int64_t *out_attempt_id)
{
	struct build_change change = { .state = BUILD_BUILDING, .now_ms = clock_wall_ms() };
	cleanup_free char *reason = str_format("on %s", builder);
	struct build build;

	*out_attempt_id = 0;
	if (!find(p, id, MAY(READY), &build)) {
		/* The schedule and the data base part ways only by a mistake of ours (or when the
		 * disk fails, which the commit says). A restart makes the one from the other. */
		assert(store_failed(p->store));
		return;
	}
	change.reason = reason;
	change.tries = build.tries;
	move_build(p, &build, &change);
	*out_attempt_id =
		store_attempt_start(p->store, id, build.attempts + 1, builder, change.now_ms);
	store_build_set_attempt(p->store, id, build.attempts + 1, builder, root_id, change.now_ms);
	store_jobs_set_started(p->store, id, change.now_ms);
	build_finish(&build);
}

void build_built(struct pipeline *p, int64_t id, int64_t wall_ms, int64_t core_ms)
{
	char took[TIME_TEXT_MAX];
	cleanup_free char *reason = NULL;
	struct build build;

	if (!find(p, id, MAY(BUILDING), &build))
		return;
	duration_to_text(wall_ms, took);
	reason = wall_ms < 0 ? xstrdup("it was valid already") : str_format("built in %s", took);
	store_build_set_cost(p->store, id, wall_ms, core_ms);
	store_rides_clear(p->store, id);
	store_fetches_clear(p->store, id);
	move(p, &build, BUILD_VERIFYING, reason);
	after_commit(
		p, requeue_now, id, 0); /* The slot is free; who waits, waits for the verdict. */
	build_finish(&build);
}

/* Dependents that only wait for this one, and for no fetch, are ready with it. */
static void unblock_dependent(void *owner, int64_t id)
{
	struct pipeline *p = owner;

	if (sched_needs_left(p->sched, id) == 1 && !store_fetches_of(p->store, id, NULL, NULL))
		build_unblocked(p, id);
}

/* Without a cache the store has the only copy of what a job asked for. */
static void keep_result(struct pipeline *p, const struct build *build)
{
	int64_t root = store_build_output_root(p->store, build->id);

	if (root != 0 && store_build_is_target(p->store, build->id))
		store_root_keep(p->store, root);
}

void build_verified(struct pipeline *p, int64_t id)
{
	struct build build;
	bool has_to_be_pushed = p->settings->cache.name != NULL;

	if (!find(p, id, MAY(VERIFYING), &build))
		return;
	if (has_to_be_pushed && build.is_trusted)
		move(p, &build, BUILD_PUSHING, NULL);
	else
		move(p, &build, BUILD_DONE,
			has_to_be_pushed ? "not pushed: only untrusted revisions need it"
					 : "not pushed: no cache is configured");
	if (!has_to_be_pushed)
		keep_result(p, &build);
	after_commit(p, built_now, id, 0);
	sched_each_dependent(p->sched, id, unblock_dependent, p);
	build_finish(&build);
}

void build_not_pushed(struct pipeline *p, int64_t id)
{
	struct build build;

	if (!find(p, id, MAY(PUSHING), &build))
		return;
	move(p, &build, BUILD_DONE, "not pushed: no cache is configured any more");
	keep_result(p, &build);
	build_finish(&build);
}

void build_push_waits(struct pipeline *p, int64_t id, const char *reason)
{
	struct build_change change = {
		.state = BUILD_PUSHING, .reason = reason, .now_ms = clock_wall_ms()
	};
	struct build build;

	if (!find(p, id, MAY(PUSHING), &build))
		return;
	change.failure = build.failure;
	change.tries = build.tries;
	if (build.reason == NULL || strcmp(build.reason, reason) != 0)
		move_build(p, &build, &change);
	build_finish(&build);
}

void build_pushed(struct pipeline *p, int64_t id, int64_t bytes)
{
	char size[TIME_TEXT_MAX];
	cleanup_free char *reason = NULL;
	struct build build;

	if (!find(p, id, MAY(PUSHING), &build))
		return;
	size_to_text(bytes, size);
	reason = bytes == 0 ? xstrdup("it was in the cache already")
			    : str_format("pushed, %s", size);
	store_build_set_pushed(p->store, id, bytes);
	move(p, &build, BUILD_DONE, reason);
	build_finish(&build);
}

/* ---- failures ---- */

static void fail_one(struct pipeline *p, const struct build *build, enum failure failure,
	const char *reason, int tries)
{
	struct build_change change = {
		.state = BUILD_FAILED,
		.failure = failure,
		.reason = reason,
		.tries = tries,
		.now_ms = clock_wall_ms(),
	};

	move_build(p, build, &change);
	if (failure !=
		FAILURE_PUSH) { /* What failed to be pushed is valid, and out of the schedule. */
		store_rides_clear(p->store, build->id);
		store_fetches_clear(p->store, build->id);
	}
}

struct failing {
	struct pipeline *p;
	const char *because;
};

static void fail_dependent(void *owner, int64_t id)
{
	struct failing *f = owner;
	struct build build;

	if (!find(f->p, id, MAY(BLOCKED) | MAY(READY), &build))
		return;
	fail_one(f->p, &build, FAILURE_DEPENDENCY, f->because, 0);
	build_finish(&build);
}

/* The build fails for good, and all that need it with it. */
static void fail_build(struct pipeline *p, const struct build *build, enum failure failure,
	const char *reason, int tries)
{
	cleanup_free char *because =
		str_format("%s failed (%s): %s", build->name, failure_name(failure), reason);
	struct failing f = { p, because };

	fail_one(p, build, failure, reason, tries);
	sched_each_above(p->sched, build->id, fail_dependent, &f);
	after_commit(p, remove_now, build->id, 0);
}

/* "(again in 5m, try 2 of 5)" behind a reason. */
static char *with_next_try(const char *reason, enum failure failure, int tries, int64_t wait_ms)
{
	char wait[TIME_TEXT_MAX];

	duration_to_text(wait_ms, wait);
	return str_format("%s: %s; again in %s (try %d of %d)", failure_name(failure), reason, wait,
		tries + 1, failure_policy(failure)->retries + 1);
}

void build_try_failed(struct pipeline *p, int64_t id, enum failure failure, const char *reason)
{
	struct build build;
	int64_t wait_ms;

	if (!find(p, id, MAY(BLOCKED) | MAY(READY) | MAY(BUILDING) | MAY(VERIFYING) | MAY(PUSHING),
		    &build))
		return;
	wait_ms = failure_wait_ms(failure, build.tries + 1);
	if (wait_ms < 0) {
		fail_build(p, &build, failure, reason, build.tries + 1);
	} else {
		cleanup_free char *text = with_next_try(reason, failure, build.tries + 1, wait_ms);
		struct build_change change = {
			.state = build.state == BUILD_BUILDING ? BUILD_READY : build.state,
			.failure = failure,
			.reason = text,
			.tries = build.tries + 1,
			.not_before = clock_wall_ms() + wait_ms,
			.now_ms = clock_wall_ms(),
		};

		move_build(p, &build, &change);
		if (change.state == BUILD_READY)
			after_commit(p, ready_now, id, change.not_before);
	}
	build_finish(&build);
}

void build_interrupted(struct pipeline *p, int64_t id, const char *reason)
{
	struct build_change change = {
		.state = BUILD_READY,
		.reason = reason,
		.now_ms = clock_wall_ms(),
	};
	struct build build;

	if (!find(p, id, MAY(BUILDING), &build))
		return;
	change.tries = build.tries;
	move_build(p, &build, &change);
	after_commit(p, ready_now, id, 0);
	build_finish(&build);
}

/* ---- nobody wants it any more ---- */

void build_dropped(struct pipeline *p, int64_t id)
{
	struct build build;

	if (sched_is_wanted(p->sched, id)) {
		build_interrupted(p, id, "it was stopped, and is needed again");
		return;
	}
	if (!find(p, id, MAY(BUILDING), &build))
		return;
	fail_build(p, &build, FAILURE_CANCELLED, "no job needs it any more", build.tries);
	build_finish(&build);
}

struct dropping {
	struct pipeline *p;
	struct ids builds;
};

static void drop_if_unwanted(void *owner, int64_t id)
{
	struct dropping *d = owner;

	if (!sched_is_wanted(d->p->sched, id))
		collect(&d->builds, id);
}

static void write_drop(struct pipeline *p, void *data)
{
	struct dropping *d = data;

	for (size_t i = 0; i < d->builds.n; i++) {
		struct build build;

		/* A job may have come since. What runs is stopped first, and dropped when it ended.
		 */
		if (sched_is_wanted(p->sched, d->builds.ids[i]) ||
			!find(p, d->builds.ids[i], MAY(BLOCKED) | MAY(READY), &build))
			continue;
		fail_one(p, &build, FAILURE_CANCELLED, "no job needs it any more", 0);
		after_commit(p, remove_now, build.id, 0);
		build_finish(&build);
	}
}

static void free_drop(void *data)
{
	struct dropping *d = data;

	free(d->builds.ids);
	free(d);
}

void builds_drop_unwanted(struct pipeline *p, int64_t id)
{
	struct dropping *d = xcalloc(1, sizeof *d);

	d->p = p;
	if (sched_state(p->sched, id) != SCHED_UNKNOWN) {
		drop_if_unwanted(d, id);
		sched_each_below(p->sched, id, drop_if_unwanted, d);
	}
	for (size_t i = 0; i < d->builds.n; i++)
		if (sched_state(p->sched, d->builds.ids[i]) == SCHED_RUNNING)
			building_stop(p, d->builds.ids[i]);
	pipeline_post(p, write_drop, d, free_drop);
}
