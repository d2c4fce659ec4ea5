/* A plan becomes builds.
 *
 * The graph says what is missing; the data base says what of that is known already: built for other
 * jobs, failed for good, riding along with another build. So: look up the ride-alongs (one that
 * somebody else needs as well becomes a build), settle the roles, then enter the builds, needs
 * first, each with all its edges, and at last move the jobs. It is done in slices, each a
 * transaction, so that a graph of 20,000 builds does not hold up the loop; every slice is whole by
 * itself, and a restart in between plans again and finds what is there. Until the jobs are moved
 * nobody wants the new builds, so none starts. One plan is entered at a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/costs.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/plan.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/build.h"
#include "daemon/store/plan.h"
#include "io/clock.h"

#define SLICE_US 6000 /* How long one slice may take. */

enum phase {
	LOOKING_UP, /* `next` counts the graph's order. */
	ENTERING,   /* Likewise. */
	MOVING,     /* `next` counts the targets. */
};

/* What became of a derivation that is a build. */
struct entered {
	int64_t build_id;     /* 0: not entered. */
	enum failure failure; /* It cannot be built, */
	char *reason;         /* and why. */
};

struct entering {
	struct entering *next_entering; /* Waiting for their turn. */
	struct pipeline *p;
	struct entering_spec spec;
	enum phase phase;
	size_t next;
	size_t next_after; /* What `next` becomes when the slice is on the disk, */
	enum phase phase_after;
	struct entered *drvs; /* One for each of the graph's. */
	int64_t slice_began_us;
};

static void post_slice(struct entering *en);

/* ---- small things ---- */

static bool slice_is_over(const struct entering *en)
{
	return clock_mono_us() - en->slice_began_us > SLICE_US;
}

static struct costed costed_of(const struct entering *en, const struct graph_drv *drv)
{
	return (struct costed){
		.package = drv->package,
		.name = drv->name,
		.caps = en->spec.caps,
		.system = drv->system,
	};
}

static bool is_cheap(void *owner, const struct graph_drv *drv)
{
	const struct entering *en = owner;
	struct costed costed = costed_of(en, drv);

	return costs_surely_ms(en->p, &costed) < (double)en->p->settings->build.ride_along_ms;
}

static void fail_drv(struct entering *en, uint32_t drv, enum failure failure, const char *reason)
{
	free(en->drvs[drv].reason);
	en->drvs[drv].failure = failure;
	en->drvs[drv].reason = xstrdup(reason);
}

/* ---- looking up ---- */

/* A ride-along that is a build already, or rides with another build, becomes a build. */
static void look_up(struct entering *en, uint32_t index)
{
	struct graph_drv *drv = &en->spec.graph->drvs[index];
	struct build_key key, owner;
	int64_t other;

	if (drv->role != GRAPH_RIDE)
		return;
	if (store_build_find(en->p->store, drv->path, &key))
		drv->must_build = true;
	if (store_ride_find(en->p->store, drv->path, &other) &&
		!(store_build_find(en->p->store, en->spec.graph->drvs[drv->owner].path, &owner) &&
			owner.id == other))
		drv->must_build = true;
}

static void look_up_some(struct entering *en)
{
	while (en->next_after < en->spec.graph->n_order && !slice_is_over(en))
		look_up(en, en->spec.graph->order[en->next_after++]);
	if (en->next_after < en->spec.graph->n_order)
		return;
	graph_settle(en->spec.graph, is_cheap, en);
	en->phase_after = ENTERING;
	en->next_after = 0;
}

/* ---- edges ---- */

/* A build while its edges are written. */
struct links {
	struct entering *en;
	int64_t build_id;
	enum failure failure; /* Of a need; */
	const char *reason, *need_name;
};

static void check_need(void *owner, uint32_t need)
{
	struct links *l = owner;
	const struct entered *e = &l->en->drvs[need];

	if (e->failure != FAILURE_NONE && l->failure == FAILURE_NONE) {
		l->failure = e->failure;
		l->reason = e->reason;
		l->need_name = l->en->spec.graph->drvs[need].name;
	}
}

static void link_need(void *owner, uint32_t need)
{
	struct links *l = owner;
	int64_t need_id = l->en->drvs[need].build_id;

	if (need_id != 0) /* Else the store has failed, and this slice is not going to be. */
		store_need_add(l->en->p->store, l->build_id, need_id);
}

static void link_fetch(void *owner, const char *path)
{
	struct links *l = owner;

	store_fetch_add(l->en->p->store, l->build_id, path);
}

static void link_ride(void *owner, uint32_t ride)
{
	struct links *l = owner;
	const struct graph_drv *drv = &l->en->spec.graph->drvs[ride];
	cleanup_free char *outputs = graph_outputs_json(drv);
	struct ride row = { drv->path, l->build_id, drv->is_fixed, outputs };

	store_ride_add(l->en->p->store, &row);
}

/* Another build counted on making this one along. Now it needs it. */
static void take_from_rider(struct entering *en, const struct graph_drv *drv, int64_t build_id)
{
	int64_t rider;

	if (!store_ride_find(en->p->store, drv->path, &rider) || rider == build_id)
		return;
	store_ride_remove(en->p->store, drv->path);
	build_needs_more(en->p, rider, build_id);
}

/* Needs, fetches and ride-alongs as this plan has them. What is to happen after the commit comes
 * later than the build's own entry into the schedule: who rode with it needs it there. */
static void link_all(struct entering *en, uint32_t index, int64_t build_id)
{
	struct links l = { .en = en, .build_id = build_id };
	struct store *store = en->p->store;

	store_needs_clear(store, build_id);
	store_fetches_clear(store, build_id);
	store_rides_clear(store, build_id);
	graph_each_need(en->spec.graph, index, link_need, &l);
	graph_each_fetch(en->spec.graph, index, link_fetch, &l);
	graph_each_ride(en->spec.graph, index, link_ride, &l);
	take_from_rider(en, &en->spec.graph->drvs[index], build_id);
}

static int64_t insert(struct entering *en, const struct graph_drv *drv, enum build_state state)
{
	cleanup_free char *outputs = graph_outputs_json(drv);
	struct build_entry entry = {
		.drv_path = drv->path,
		.name = drv->name,
		.package = drv->package,
		.system = drv->system,
		.features = drv->features,
		.outputs = outputs,
		.caps = en->spec.caps,
		.is_fetch = drv->is_fixed,
		.is_trusted = en->spec.is_trusted,
		.state = state,
		.now_ms = clock_wall_ms(),
	};
	int64_t id = store_build_enter(en->p->store, &entry);

	en->p->build_deltas[state]++;
	note_event(en->p, "build", id, NULL, build_state_name(state),
		failure_name(en->drvs[drv - en->spec.graph->drvs].failure),
		en->drvs[drv - en->spec.graph->drvs].reason);
	return id;
}

/* ---- memory follows ---- */

struct needs {
	struct entering *en;
	int64_t *ids;
	size_t n, capacity;
};

static void collect_need(void *owner, uint32_t need)
{
	struct needs *n = owner;

	array_reserve(&n->ids, &n->capacity, n->n + 1, sizeof *n->ids);
	n->ids[n->n++] = n->en->drvs[need].build_id;
}

/* The build is on the disk: the schedule learns of it. `a` is the build, `b` its index. */
static void schedule_build(struct pipeline *p, int64_t build_id, int64_t index)
{
	struct entering *en = p->enterings;
	const struct graph_drv *drv = &en->spec.graph->drvs[index];
	struct sched_build build = {
		.id = build_id,
		.lane = drv->is_fixed ? SCHED_FETCH : SCHED_BUILD,
	};
	struct costed costed = costed_of(en, drv);
	struct needs needs = { .en = en };
	struct estimate cost;

	if (sched_state(p->sched, build_id) != SCHED_UNKNOWN)
		return;
	(void)sched_system(p->sched, drv->system, &build.system, NULL);
	(void)sched_features(p->sched, drv->features, &build.features, NULL);
	costs_of(p, &costed, &cost);
	build.cost_ms = estimate_median(&cost);
	build.cost_sigma = cost.sigma;
	if (drv->is_missing)
		graph_each_need(en->spec.graph, (uint32_t)index, collect_need, &needs);
	sched_add(p->sched, &build, needs.ids, needs.n);
	free(needs.ids);
	if (sched_state(p->sched, build_id) == SCHED_OPEN)
		fetch_or_unblock(p, build_id);
}

/* More needs of a build that is known and blocked. */
static void add_needs(struct pipeline *p, int64_t build_id, int64_t index)
{
	struct entering *en = p->enterings;
	struct needs needs = { .en = en };

	if (en->spec.graph->drvs[index].is_missing)
		graph_each_need(en->spec.graph, (uint32_t)index, collect_need, &needs);
	for (size_t i = 0; i < needs.n; i++)
		(void)sched_add_need(p->sched, build_id, needs.ids[i]);
	free(needs.ids);
	if (sched_state(p->sched, build_id) == SCHED_OPEN)
		fetch_or_unblock(p, build_id);
}

/* ---- entering one build ---- */

/* No builder can run it. */
static bool has_builder(struct entering *en, uint32_t index)
{
	const struct graph_drv *drv = &en->spec.graph->drvs[index];
	cleanup_free char *reason = NULL;
	struct pipeline *p = en->p;
	uint32_t system = 0;
	uint64_t features = 0;

	if (sched_system(p->sched, drv->system, &system, NULL) == 0 &&
		sched_features(p->sched, drv->features, &features, NULL) == 0 &&
		sched_has_builder(p->sched, system, features))
		return true;
	reason = str_format("%s needs a builder for %s%s%s, and none of the configured ones is",
		drv->name, drv->system, drv->features[0] != '\0' ? " with the features " : "",
		drv->features);
	fail_drv(en, index, FAILURE_WRONG_SYSTEM, reason);
	return false;
}

static bool needs_are_good(struct entering *en, uint32_t index)
{
	struct links l = { .en = en };
	cleanup_free char *reason = NULL;

	graph_each_need(en->spec.graph, index, check_need, &l);
	if (l.failure == FAILURE_NONE)
		return true;
	reason = l.failure == FAILURE_DEPENDENCY || l.failure == FAILURE_WRONG_SYSTEM
			 ? xstrdup(l.reason)
			 : str_format("%s failed (%s): %s", l.need_name, failure_name(l.failure),
				   l.reason);
	fail_drv(en, index, l.failure == FAILURE_WRONG_SYSTEM ? l.failure : FAILURE_DEPENDENCY,
		reason);
	return false;
}

/* It was built after the plan looked, which took it for missing. */
static bool was_built_meanwhile(const struct entering *en, const struct build_key *key)
{
	return key->state == BUILD_DONE && key->finished_at >= en->spec.looked_at &&
	       (key->is_trusted || !en->spec.is_trusted);
}

/* It is known: its failure may be remembered, it may be under way, or be needed again. */
static void enter_known(struct entering *en, uint32_t index, const struct build_key *key)
{
	struct pipeline *p = en->p;
	struct build build;

	if (en->spec.is_trusted && !key->is_trusted)
		store_build_trust(p->store, key->id);
	en->drvs[index].build_id = key->id;
	if (key->state == BUILD_FAILED && failure_policy(key->failure)->is_remembered &&
		!verify_may_change(p, key, en->spec.graph->drvs[index].is_target, en->spec.caps)) {
		if (!store_build_get(p->store, key->id, &build))
			return;
		fail_drv(en, index, key->failure, build.reason == NULL ? "" : build.reason);
		build_finish(&build);
		return;
	}
	if (!build_state_is_final(key->state) && key->state != BUILD_BLOCKED)
		return; /* It is under way. */
	if (was_built_meanwhile(en, key))
		return;
	if (key->state == BUILD_BLOCKED) {
		after_commit(p, add_needs, key->id, index);
	} else {
		build_reopened(p, key->id, BUILD_BLOCKED);
		after_commit(p, schedule_build, key->id, index);
	}
	link_all(en, index, key->id);
}

/* It cannot be built, because of what it needs. A row says so all the same, and what it needs: so a
 * job that fails for it knows its build, and `capq retry` finds the failure that is to be
 * forgotten.
 */
static void enter_failed(struct entering *en, uint32_t index)
{
	struct entered *e = &en->drvs[index];
	struct links l = { .en = en };
	struct build_change change = { .state = BUILD_FAILED,
		.failure = e->failure,
		.reason = e->reason,
		.now_ms = clock_wall_ms() };
	struct build_key key;

	if (store_build_find(en->p->store, en->spec.graph->drvs[index].path, &key)) {
		e->build_id = key.id;
		if (key.state != BUILD_FAILED)
			return; /* It is as it is. */
	} else {
		e->build_id = insert(en, &en->spec.graph->drvs[index], BUILD_FAILED);
		store_build_change(en->p->store, e->build_id, &change);
	}
	l.build_id = e->build_id;
	store_needs_clear(en->p->store, e->build_id);
	graph_each_need(en->spec.graph, index, link_need, &l);
}

static void enter_build(struct entering *en, uint32_t index)
{
	const struct graph_drv *drv = &en->spec.graph->drvs[index];
	struct entered *e = &en->drvs[index];
	struct build_key key;
	int64_t id;

	if (drv->role != GRAPH_BUILD)
		return;
	if (!needs_are_good(en, index) || !has_builder(en, index)) {
		enter_failed(en, index);
		return;
	}
	if (store_build_find(en->p->store, drv->path, &key)) {
		enter_known(en, index, &key);
		return;
	}
	id = insert(en, drv, BUILD_BLOCKED);
	e->build_id = id;
	after_commit(en->p, schedule_build, id, index);
	link_all(en, index, id);
}

static void enter_some(struct entering *en)
{
	while (en->next_after < en->spec.graph->n_order && !slice_is_over(en))
		enter_build(en, en->spec.graph->order[en->next_after++]);
	if (en->next_after < en->spec.graph->n_order)
		return;
	en->phase_after = MOVING;
	en->next_after = 0;
}

/* ---- moving the jobs ---- */

/* The row of a target of which nothing has to be built. */
static int64_t find_or_insert(
	struct entering *en, const struct graph_drv *drv, enum build_state state)
{
	struct pipeline *p = en->p;
	struct build_key key;
	int64_t id;

	if (!store_build_find(p->store, drv->path, &key)) {
		id = insert(en, drv, state);
		return id;
	}
	if (en->spec.is_trusted && !key.is_trusted)
		store_build_trust(p->store, key.id);
	/* Failed in a way that being valid mends, or done and not in the cache (any more). */
	if (key.state == BUILD_FAILED ||
		(key.state == BUILD_DONE && p->settings->cache.name != NULL))
		build_reopened(p, key.id, state);
	return key.id;
}

/* It goes through verify and push like all others, as a build without an attempt. */
static void enter_unbuilt(struct entering *en, uint32_t index, enum plan_target_state state)
{
	const struct graph_drv *drv = &en->spec.graph->drvs[index];
	struct pipeline *p = en->p;
	int64_t id = find_or_insert(en, drv, state == PLAN_VALID ? BUILD_VERIFYING : BUILD_BLOCKED);

	en->drvs[index].build_id = id;
	if (state == PLAN_VALID) {
		store_build_set_output_root(p->store, id, en->spec.root_id);
		return;
	}
	store_fetches_clear(p->store, id);
	for (uint32_t o = 0; o < drv->n_outputs; o++)
		if (!drv->outputs[o].is_valid)
			store_fetch_add(p->store, id, drv->outputs[o].path);
	after_commit(p, schedule_build, id, index);
}

/* A build that was planned anew. */
static void move_build_target(
	struct entering *en, const struct entry_target *target, uint32_t index)
{
	const struct entered *e = &en->drvs[index];
	struct pipeline *p = en->p;

	if (e->failure != FAILURE_NONE) {
		build_try_failed(p, target->build_id, e->failure, e->reason);
		return;
	}
	store_build_set_input_root(p->store, target->build_id, en->spec.root_id);
	if (target->state == PLAN_VALID)
		build_was_fetched(p, target->build_id); /* Somebody else built it meanwhile. */
	else if (target->state == PLAN_FETCH)
		after_commit(p, add_needs, target->build_id, index);
}

static void move_target(struct entering *en, size_t i)
{
	const struct entry_target *target = &en->spec.targets[i];
	uint32_t index = en->spec.graph->targets[i];
	const struct graph_drv *drv = &en->spec.graph->drvs[index];
	cleanup_free char *outputs = graph_outputs_json(drv);
	const struct entered *e = &en->drvs[index];
	struct pipeline *p = en->p;
	struct build_key key;

	if (target->state == PLAN_VALID || target->state == PLAN_FETCH)
		enter_unbuilt(en, index, (enum plan_target_state)target->state);
	if (target->job_id == 0)
		move_build_target(en, target, index);
	else if (target->state == PLAN_CACHED)
		job_is_cached(p, target->job_id,
			store_build_find(p->store, drv->path, &key) ? key.id : 0, outputs);
	else if (e->failure != FAILURE_NONE)
		job_cannot_be_built(p, target->job_id, e->build_id, outputs, e->failure, e->reason);
	else
		job_planned(p, target->job_id, e->build_id, en->spec.root_id, outputs);
}

static void land_target(struct pipeline *p, int64_t job_id, int64_t unused)
{
	(void)unused;
	id_map_remove(&p->planning_jobs, job_id);
}

static void move_some(struct entering *en)
{
	while (en->next_after < en->spec.n_targets && !slice_is_over(en)) {
		size_t i = en->next_after++;

		move_target(en, i);
		if (en->spec.targets[i].job_id != 0)
			after_commit(en->p, land_target, en->spec.targets[i].job_id, 0);
	}
}

/* ---- slices ---- */

static void finish(struct entering *en)
{
	struct pipeline *p = en->p;

	root_unpin(p, en->spec.root_id);
	p->sweep_roots = true; /* If no job needs it after all. */
	/* What no job wants although it was entered goes: all were cancelled meanwhile, or what
	 * needs it was built by somebody else. */
	for (size_t i = 0; i < en->spec.graph->n; i++) {
		int64_t id = en->drvs[i].build_id;

		if (sched_state(p->sched, id) != SCHED_UNKNOWN && !sched_is_wanted(p->sched, id))
			builds_drop_unwanted(p, id);
	}
	p->enterings = en->next_entering;
	for (size_t i = 0; i < en->spec.graph->n; i++)
		free(en->drvs[i].reason);
	free(en->drvs);
	graph_destroy(en->spec.graph);
	free(en->spec.targets);
	free(en->spec.caps);
	free(en);
	if (p->enterings != NULL)
		post_slice(p->enterings);
}

static void slice_is_stored(struct pipeline *p, int64_t a, int64_t b)
{
	struct entering *en = p->enterings;

	(void)a;
	(void)b;
	en->phase = en->phase_after;
	en->next = en->next_after;
	if (en->phase == MOVING && en->next == en->spec.n_targets)
		finish(en);
	else
		post_slice(en);
}

static void write_slice(struct pipeline *p, void *data)
{
	struct entering *en = p->enterings;

	(void)data;
	en->slice_began_us = clock_mono_us();
	en->phase_after = en->phase;
	en->next_after = en->next;
	switch (en->phase) {
	case LOOKING_UP:
		look_up_some(en);
		break;
	case ENTERING:
		enter_some(en);
		break;
	case MOVING:
		move_some(en);
		break;
	}
	after_commit(p, slice_is_stored, 0, 0);
}

static void post_slice(struct entering *en)
{
	pipeline_post(en->p, write_slice, NULL, NULL);
}

void entering_start(struct pipeline *p, const struct entering_spec *spec)
{
	struct entering *en = xcalloc(1, sizeof *en), **at = &p->enterings;

	en->p = p;
	en->spec = *spec;
	en->drvs = xcalloc(spec->graph->n, sizeof *en->drvs);
	graph_settle(spec->graph, is_cheap, en);
	while (*at != NULL)
		at = &(*at)->next_entering;
	*at = en;
	if (p->enterings == en)
		post_slice(en);
}
