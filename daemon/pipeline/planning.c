/* Plan, for the pipeline: jobs that are planning, many in one plan, and builds that have to be
 * planned anew because what they needed is not there any more.
 *
 * When a plan fails and nobody can say which of its jobs is to blame, each of them is planned
 * alone; those that fail alone wait, keep nobody else waiting, and fail for good after a few tries.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/plan.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/build.h"
#include "daemon/store/context.h"
#include "daemon/store/job.h"
#include "daemon/store/root.h"
#include "io/clock.h"

#define JOBS_MAX 100                       /* In one plan. */
#define PLANS_MAX 2                        /* At once: one reads while the other asks. */
#define CACHE_PATIENCE_MS (10 * 60 * 1000) /* Then a cache that cannot be asked has nothing. */
#define TROUBLE_WAIT_MS 2000
#define TROUBLE_WAIT_MAX_MS 60000
#define ALONE_TRIES 5
#define ALONE_WAIT_MS 10000 /* After a plan of one target failed, before the next such. */

struct planning {
	struct planning *next;
	struct pipeline *p;
	struct entry_target *targets;
	char **drvs;
	size_t n, capacity, drvs_capacity;
	int64_t context_id; /* Of the first job: all are of one context. */
	bool is_trusted;
	char *caps;
	int64_t root_id;
	uint32_t n_failed; /* How often its one target could not be planned before. */
	int64_t began_at;  /* Wall clock. */
	struct plan *plan; /* NULL until its root is entered. */
};

static void free_planning(struct planning *pl)
{
	struct planning **at = &pl->p->plans;

	while (*at != pl)
		at = &(*at)->next;
	*at = pl->next;
	for (size_t i = 0; i < pl->n; i++)
		free(pl->drvs[i]);
	free(pl->drvs);
	free(pl->targets);
	free(pl->caps);
	free(pl);
}

static void land_jobs(struct planning *pl)
{
	for (size_t i = 0; i < pl->n; i++)
		if (pl->targets[i].job_id != 0)
			id_map_remove(&pl->p->planning_jobs, pl->targets[i].job_id);
}

/* ---- what a plan says ---- */

static void wait_after_trouble(struct pipeline *p)
{
	int64_t wait = TROUBLE_WAIT_MS;

	if (p->plan_troubles++ == 0)
		p->plan_trouble_since_ms = clock_mono_ms();
	for (int i = 1; i < p->plan_troubles && wait < TROUBLE_WAIT_MAX_MS; i++)
		wait *= 2;
	p->plan_not_before_ms =
		clock_mono_ms() + (wait < TROUBLE_WAIT_MAX_MS ? wait : TROUBLE_WAIT_MAX_MS);
}

struct failure_data {
	int64_t *job_ids;
	size_t n;
	int64_t build_id;     /* 0: none. */
	enum failure failure; /* FAILURE_NONE: the jobs are evaluated again. */
	char *message;
};

static void land_job(struct pipeline *p, int64_t job_id, int64_t unused)
{
	(void)unused;
	id_map_remove(&p->planning_jobs, job_id);
	id_map_remove(&p->plan_alone, job_id);
}

static void write_failure(struct pipeline *p, void *data)
{
	const struct failure_data *f = data;

	for (size_t i = 0; i < f->n; i++) {
		struct job job;

		if (!store_job_get(p->store, f->job_ids[i], &job))
			continue;
		if (f->failure == FAILURE_NONE)
			job_evaluate_again(p, job.id, f->message);
		else
			job_not_planned(p, job.id, f->failure, f->message);
		after_commit(p, land_job, job.id, 0);
		job_finish(&job);
	}
	if (f->build_id != 0)
		build_try_failed(p, f->build_id, FAILURE_DEPENDENCY, f->message);
}

static void free_failure(void *data)
{
	struct failure_data *f = data;

	free(f->job_ids);
	free(f->message);
	free(f);
}

/* The jobs fail, or (FAILURE_NONE) are evaluated again because their derivations were collected. */
static void settle_jobs(struct planning *pl, enum failure failure, const char *message)
{
	struct failure_data *f = xcalloc(1, sizeof *f);

	f->job_ids = xcalloc(pl->n, sizeof *f->job_ids);
	f->failure = failure;
	f->message = xstrdup(message);
	for (size_t i = 0; i < pl->n; i++)
		if (pl->targets[i].job_id != 0)
			f->job_ids[f->n++] = pl->targets[i].job_id;
	pipeline_post(pl->p, write_failure, f, free_failure);
}

static void settle_build(struct planning *pl, const char *message)
{
	struct failure_data *f = xcalloc(1, sizeof *f);

	f->build_id = pl->targets[0].build_id;
	f->message = xstrdup(message);
	pipeline_post(pl->p, write_failure, f, free_failure);
}

/* A build that was to be planned anew stays blocked until then. */
static void replan_builds_later(struct planning *pl)
{
	for (size_t i = 0; i < pl->n; i++)
		if (pl->targets[i].build_id != 0)
			plan_build(pl->p, pl->targets[i].build_id);
}

/* One job's derivations cannot be planned; among several it is not known whose. */
static void plan_each_alone(struct planning *pl)
{
	for (size_t i = 0; i < pl->n; i++)
		id_map_set(&pl->p->plan_alone, pl->targets[i].job_id, 0);
	land_jobs(pl);
}

/* It waits, and goes behind those that failed less often. */
static void try_alone_again(struct planning *pl)
{
	struct pipeline *p = pl->p;
	const struct entry_target *target = &pl->targets[0];

	if (target->job_id != 0)
		id_map_set(&p->plan_alone, target->job_id, pl->n_failed + 1);
	else
		id_map_set(&p->replan_builds, target->build_id, pl->n_failed + 1);
	p->plan_alone_not_before_ms = clock_mono_ms() + ALONE_WAIT_MS;
	land_jobs(pl);
}

static void give_up_alone(struct planning *pl, const struct err *err)
{
	cleanup_free char *message =
		str_format("its plan failed %d times: %s; `capq retry` tries it again", ALONE_TRIES,
			err->text);

	if (pl->targets[0].job_id == 0)
		settle_build(pl, message);
	else
		settle_jobs(pl, FAILURE_INTERRUPTED, message);
}

/* A plan of one target failed, and nobody knows why. */
static void fail_alone(struct planning *pl, const struct err *err)
{
	if (pl->n_failed + 1 == ALONE_TRIES) {
		give_up_alone(pl, err);
		return;
	}
	set_problem(&pl->p->substituter_problem, "plan", err->text);
	try_alone_again(pl);
}

static void note_trouble(struct planning *pl, const struct err *err)
{
	struct pipeline *p = pl->p;
	bool is_cache = str_starts(err->text, "cannot ask the cache");

	set_problem(is_cache ? &p->cache_problem : &p->substituter_problem, "plan", err->text);
	wait_after_trouble(p);
}

static void judge_failure(struct planning *pl, int rv, const struct err *err)
{
	struct pipeline *p = pl->p;

	if (p->stopping) {
		land_jobs(pl);
	} else if (rv == CAPQ_EBUSY) {
		note_trouble(pl, err);
		land_jobs(pl);
		replan_builds_later(pl);
	} else if (rv == CAPQ_ENOTFOUND) {
		settle_jobs(pl, FAILURE_NONE, "its derivation was collected before it was planned");
		replan_builds_later(pl);
	} else if (pl->n > 1) {
		plan_each_alone(pl);
	} else if (pl->targets[0].job_id != 0 && rv != CAPQ_EFAILED) {
		settle_jobs(pl, FAILURE_EVALUATION, err->text);
	} else {
		fail_alone(pl, err);
	}
}

static void on_planned(void *owner, int rv, struct graph *graph,
	const enum plan_target_state *states, const struct err *err)
{
	struct planning *pl = owner;
	struct pipeline *p = pl->p;

	if (rv < 0) {
		judge_failure(pl, rv, err);
		root_unpin(p, pl->root_id);
		p->sweep_roots = true;
	} else {
		struct entering_spec spec = {
			.graph = graph,
			.targets = STEAL_POINTER(pl->targets),
			.n_targets = pl->n,
			.root_id = pl->root_id,
			.looked_at = pl->began_at,
			.is_trusted = pl->is_trusted,
			.caps = STEAL_POINTER(pl->caps),
		};

		p->plan_troubles = 0;
		set_problem(&p->substituter_problem, "substituters", NULL);
		for (size_t i = 0; i < pl->n; i++) {
			spec.targets[i].state = (int)states[i];
			id_map_remove(&p->plan_alone, spec.targets[i].job_id);
		}
		entering_start(p, &spec);
	}
	free_planning(pl);
	pipeline_wake(p);
}

/* ---- starting ---- */

static void start_plan(struct planning *pl)
{
	struct pipeline *p = pl->p;
	cleanup_free char *root = root_file(p, pl->root_id);
	struct plan_spec spec = {
		.targets = (const char *const *)pl->drvs,
		.n = pl->n,
		.root = root,
		.ask_cache = p->plan_troubles == 0 ||
			     clock_mono_ms() - p->plan_trouble_since_ms < CACHE_PATIENCE_MS,
		.ignore_cache = pl->targets[0].job_id == 0,
		.on_checked = verify_hide_refused,
		.checker = p,
		.on_done = on_planned,
		.owner = pl,
	};

	pl->began_at = clock_wall_ms();
	plan_start(&p->nix, p->capq_push, &spec, &pl->plan);
}

static void give_up(struct planning *pl)
{
	land_jobs(pl);
	root_unpin(pl->p, pl->root_id);
	free_planning(pl);
}

static void on_root_entered(struct pipeline *p, int64_t root_id, int64_t unused)
{
	(void)unused;
	root_pin(p, root_id);
	for (struct planning *pl = p->plans, *next; pl != NULL; pl = next) {
		next = pl->next;
		if (pl->root_id != root_id || pl->plan != NULL)
			continue;
		if (p->stopping)
			give_up(pl);
		else
			start_plan(pl);
	}
}

/* The root's row comes first: a link without a row would be taken for a remnant. */
static void write_root(struct pipeline *p, void *data)
{
	struct planning *pl = data;

	pl->root_id = store_root_new(p->store, clock_wall_ms());
	after_commit(p, on_root_entered, pl->root_id, 0);
}

static struct planning *new_planning(struct pipeline *p)
{
	struct planning *pl = xcalloc(1, sizeof *pl);

	pl->p = p;
	pl->next = p->plans;
	p->plans = pl;
	return pl;
}

static void add_target(struct planning *pl, int64_t job_id, int64_t build_id, const char *drv)
{
	array_reserve(&pl->targets, &pl->capacity, pl->n + 1, sizeof *pl->targets);
	array_reserve(&pl->drvs, &pl->drvs_capacity, pl->n + 1, sizeof *pl->drvs);
	pl->targets[pl->n] = (struct entry_target){ .job_id = job_id, .build_id = build_id };
	pl->drvs[pl->n++] = xstrdup(drv);
}

static void begin(struct planning *pl)
{
	pipeline_post(pl->p, write_root, pl, NULL);
}

void plan_build(struct pipeline *p, int64_t build_id)
{
	id_map_set(&p->replan_builds, build_id, 0);
	pipeline_wake(p);
}

/* False: it needs no plan any more. */
static bool start_build(struct pipeline *p, int64_t build_id, uint32_t n_failed)
{
	struct build build;
	bool is_blocked;

	if (!store_build_get(p->store, build_id, &build))
		return false;
	is_blocked = build.state == BUILD_BLOCKED;
	if (is_blocked) {
		struct planning *pl = new_planning(p);

		pl->n_failed = n_failed;
		pl->is_trusted = build.is_trusted;
		pl->caps = store_build_caps(p->store, build_id);
		add_target(pl, 0, build_id, build.drv_path);
		begin(pl);
	}
	build_finish(&build);
	return is_blocked;
}

static bool start_replan(struct pipeline *p)
{
	struct id_map *builds = &p->replan_builds;
	bool started = false;

	for (size_t i = 0; i < builds->size && !started; i++) {
		int64_t id = builds->ids[i];
		uint32_t n_failed = builds->values[i];

		if (id == 0)
			continue;
		id_map_remove(builds, id); /* Another may be in its place now: */
		started = start_build(p, id, n_failed);
		i--; /* look there again. */
	}
	return started;
}

/* ---- choosing jobs ---- */

static bool is_in_flight(const struct pipeline *p, int64_t job_id)
{
	return id_map_get(&p->planning_jobs, job_id) != ID_MAP_NONE;
}

static bool may_join(const struct pipeline *p, int64_t job_id)
{
	return !is_in_flight(p, job_id) && id_map_get(&p->plan_alone, job_id) == ID_MAP_NONE;
}

/* The oldest job says which context is planned. */
static bool choose_context(
	void *owner, int64_t job_id, const char *attr, int64_t context_id, const char *drv_path)
{
	struct planning *pl = owner;

	(void)attr;
	(void)drv_path;
	if (!may_join(pl->p, job_id))
		return true;
	pl->context_id = context_id;
	return false;
}

static bool choose_job(
	void *owner, int64_t job_id, const char *attr, int64_t context_id, const char *drv_path)
{
	struct planning *pl = owner;

	(void)attr;
	(void)context_id;
	if (may_join(pl->p, job_id))
		add_target(pl, job_id, 0, drv_path);
	return pl->n < JOBS_MAX;
}

static size_t count(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct planning *pl = p->plans; pl != NULL; pl = pl->next)
		n++;
	return n;
}

static bool start_jobs(struct pipeline *p)
{
	struct planning *pl = new_planning(p);
	struct context context;

	store_jobs_each(p->store, JOB_PLANNING, 0, choose_context, pl);
	if (pl->context_id != 0)
		store_jobs_each(p->store, JOB_PLANNING, pl->context_id, choose_job, pl);
	if (pl->n == 0 || !store_context_get(p->store, pl->context_id, &context)) {
		free_planning(pl);
		return false;
	}
	for (size_t i = 0; i < pl->n; i++)
		id_map_set(&p->planning_jobs, pl->targets[i].job_id, 1);
	pl->is_trusted = context.trusted;
	pl->caps = xstrdup(context.caps);
	context_finish(&context);
	begin(pl);
	return true;
}

/* A plan of one target failed a moment ago: what failed before is not tried yet. */
static bool alone_waits(const struct pipeline *p)
{
	return clock_mono_ms() < p->plan_alone_not_before_ms;
}

/* Of the jobs that are planned alone the one that failed least often; 0: none, or they wait. */
static int64_t next_alone(const struct pipeline *p)
{
	const struct id_map *jobs = &p->plan_alone;
	uint32_t fewest = alone_waits(p) ? 0 : ID_MAP_NONE;
	int64_t next = 0;

	for (size_t i = 0; i < jobs->size; i++) {
		if (jobs->ids[i] == 0 || jobs->values[i] > fewest || is_in_flight(p, jobs->ids[i]))
			continue;
		if (next == 0 || jobs->values[i] < fewest || jobs->ids[i] < next)
			next = jobs->ids[i];
		fewest = jobs->values[i];
	}
	return next;
}

static void start_job(struct pipeline *p, const struct job *job)
{
	struct planning *pl = new_planning(p);

	pl->n_failed = id_map_get(&p->plan_alone, job->id);
	pl->is_trusted = job->trusted;
	pl->caps = xstrdup(job->caps);
	add_target(pl, job->id, 0, job->drv_path);
	id_map_set(&p->planning_jobs, job->id, 1);
	begin(pl);
}

static bool start_alone(struct pipeline *p)
{
	int64_t id;

	while ((id = next_alone(p)) != 0) {
		struct job job;
		bool is_planning;

		if (!store_job_get(p->store, id, &job))
			return false; /* The store has failed. */
		is_planning = job.state == JOB_PLANNING;
		if (is_planning)
			start_job(p, &job);
		else
			id_map_remove(&p->plan_alone, id); /* It was cancelled, or held. */
		job_finish(&job);
		if (is_planning)
			return true;
	}
	return false;
}

/* What failed before comes last. False: there is nothing to plan now. */
static bool start_one(struct pipeline *p)
{
	if (!alone_waits(p) && start_replan(p))
		return true;
	if (p->job_counts[JOB_PLANNING] > (int64_t)p->planning_jobs.n && start_jobs(p))
		return true;
	return start_alone(p);
}

void planning_start_some(struct pipeline *p)
{
	if (clock_mono_ms() < p->plan_not_before_ms)
		return;
	while (count(p) < PLANS_MAX && start_one(p))
		;
}

void planning_stop_all(struct pipeline *p)
{
	for (struct planning *pl = p->plans; pl != NULL; pl = pl->next)
		if (pl->plan != NULL)
			plan_stop(pl->plan);
}
