/* Build, for the pipeline: carries out what the schedule decides, and writes what became of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/build_run.h"
#include "daemon/pipeline/costs.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/wanting.h"
#include "daemon/store/attempt.h"
#include "daemon/store/build.h"
#include "daemon/store/plan.h"
#include "daemon/store/root.h"
#include "io/clock.h"
#include "lib/store_path.h"

#define OUTAGE_WAIT_MS 30000 /* After Nix could not be reached. */

struct building {
	struct building *next;
	struct pipeline *p;
	struct sched_decision decision;
	struct build_run *run; /* NULL until its attempts are entered. */
	int64_t root_id;
	int64_t attempts[SCHED_BATCH_MAX]; /* 0: that build is not ready any more. */
	bool stopped[SCHED_BATCH_MAX];     /* Nobody wants it any more. */
};

static void free_building(struct building *b)
{
	struct building **at = &b->p->runs;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	root_unpin(b->p, b->root_id);
	free(b);
}

/* ---- the end ---- */

struct ended_target {
	struct build_run_result result;
	char *reason;
	bool was_dropped; /* It was stopped because nobody wants it. */
};

/* What a run was, copied out of it. */
struct ended {
	char *builder;
	struct ended_target *targets;
	size_t n_targets;
	struct build_run_drv *drvs;
	size_t n_drvs;
};

static void free_ended(void *data)
{
	struct ended *e = data;

	for (size_t i = 0; i < e->n_targets; i++)
		free(e->targets[i].reason);
	for (size_t i = 0; i < e->n_drvs; i++) {
		free(e->drvs[i].drv_path);
		free(e->drvs[i].machine);
	}
	free(e->targets);
	free(e->drvs);
	free(e->builder);
	free(e);
}

static const char *outcome_of(const struct build_run_result *r)
{
	if (r->built)
		return "built";
	return r->failure == FAILURE_INTERRUPTED || r->failure == FAILURE_CANCELLED ? "interrupted"
										    : "failed";
}

struct finding_ride {
	const char *drv_path;
	char *outputs;
};

static void find_ride(void *owner, const struct ride *ride)
{
	struct finding_ride *f = owner;

	if (strcmp(f->drv_path, ride->drv_path) == 0)
		f->outputs = xstrdup(ride->outputs);
}

/* The outputs of a derivation of the run. The caller frees; NULL: not known. */
static char *outputs_of(struct pipeline *p, int64_t build_id, const struct build_run_drv *drv)
{
	struct finding_ride f = { .drv_path = drv->drv_path };
	struct build build;

	if (drv->is_ride) {
		store_rides_of(p->store, build_id, find_ride, &f);
		return f.outputs;
	}
	if (!store_build_get(p->store, build_id, &build))
		return NULL;
	f.outputs = STEAL_POINTER(build.outputs);
	build_finish(&build);
	return f.outputs;
}

static void write_history(
	struct pipeline *p, const struct ended *e, const struct build_run_drv *drv)
{
	const struct build_run_result *r = &e->targets[drv->target].result;
	cleanup_free char *caps = store_build_caps(p->store, r->build_id);
	cleanup_free char *outputs = outputs_of(p, r->build_id, drv);
	char package[STORE_PATH_MAX];
	cleanup_free char *own_package = NULL;
	struct build build;
	struct history_entry entry = {
		.attempt_id = r->attempt_id,
		.drv_path = drv->drv_path,
		.package = package,
		.system = "",
		.caps = caps,
		.machine = drv->machine,
		.builder = e->builder,
		.is_ride = drv->is_ride,
		.started_at = drv->started_at,
		.wall_ms =
			((drv->ended_us > 0 ? drv->ended_us : clock_mono_us()) - drv->started_us) /
			1000,
		.core_ms = drv->core_ms,
		.output_bytes = -1,
		.outcome = drv->failed          ? "failed"
			   : drv->ended_us == 0 ? "interrupted"
						: "built",
	};

	/* Whether the target's own derivation was built is known for certain. */
	if (!drv->is_ride)
		entry.outcome = outcome_of(r);
	if (!store_build_get(p->store, r->build_id, &build))
		return;
	entry.system = build.system;
	store_path_package(store_path_name(drv->drv_path), package, sizeof package);
	if (!drv->is_ride) {
		own_package = store_build_package(p->store, r->build_id);
		entry.package = own_package;
	}
	report_history(p, store_history_add(p->store, &entry),
		strcmp(entry.outcome, "built") == 0 ? outputs : NULL);
	/* Within a write, but an estimate that is a little off is no second truth. */
	costs_learn(p, &entry);
	build_finish(&build);
}

static void write_target(struct pipeline *p, const struct ended_target *t)
{
	const struct build_run_result *r = &t->result;

	store_attempt_end(p->store, r->attempt_id, outcome_of(r), r->failure, t->reason,
		r->log_bytes, clock_wall_ms());
	if (r->built)
		build_built(p, r->build_id, r->wall_ms, r->core_ms);
	else if (t->was_dropped)
		build_dropped(p, r->build_id);
	else if (p->stopping && r->failure == FAILURE_INTERRUPTED)
		build_interrupted(p, r->build_id, "capqd is stopping");
	else if (r->plan_again)
		build_plan_again(p, r->build_id, t->reason);
	else if (r->nix_is_away) /* It did not fail: it is no try of its. */
		build_interrupted(p, r->build_id, t->reason);
	else
		build_try_failed(p, r->build_id, r->failure, t->reason);
}

static void write_ended(struct pipeline *p, void *data)
{
	const struct ended *e = data;

	for (size_t i = 0; i < e->n_drvs; i++)
		write_history(p, e, &e->drvs[i]);
	for (size_t i = 0; i < e->n_targets; i++)
		write_target(p, &e->targets[i]);
}

static struct ended *copy_run(const struct building *b, const struct build_run *run)
{
	struct ended *e = xcalloc(1, sizeof *e);
	const struct build_run_drv *drvs = build_run_drvs(run, &e->n_drvs);

	e->builder = xstrdup(sched_builder_name(b->p->sched, b->decision.builder));
	e->n_targets = build_run_n(run);
	e->targets = xcalloc(e->n_targets, sizeof *e->targets);
	for (size_t i = 0; i < e->n_targets; i++) {
		struct ended_target *t = &e->targets[i];

		build_run_result(run, i, &t->result);
		t->reason = xstrdup_or_null(t->result.reason);
		t->result.reason = NULL;
		for (size_t k = 0; k < b->decision.n; k++)
			if (b->decision.builds[k] == t->result.build_id)
				t->was_dropped = b->stopped[k];
	}
	e->drvs = xcalloc(e->n_drvs, sizeof *e->drvs);
	for (size_t i = 0; i < e->n_drvs; i++) {
		e->drvs[i] = drvs[i];
		e->drvs[i].drv_path = xstrdup(drvs[i].drv_path);
		e->drvs[i].machine = xstrdup(drvs[i].machine);
	}
	return e;
}

/* While Nix cannot be reached nothing is built; as soon as it can, `status` is well again. */
static void look_for_outage(struct pipeline *p, const struct ended *e)
{
	cleanup_free char *problem = NULL;
	const char *reason = NULL;

	for (size_t i = 0; i < e->n_targets; i++)
		if (e->targets[i].result.nix_is_away)
			reason = e->targets[i].reason;
	if (reason != NULL) {
		p->build_not_before_ms = clock_mono_ms() + OUTAGE_WAIT_MS;
		problem = str_format("Nix cannot be reached, trying again every %d s: %s",
			OUTAGE_WAIT_MS / 1000, reason);
	}
	set_problem(&p->nix_problem, "build", problem);
}

static void on_done(void *owner, const struct build_run *run)
{
	struct building *b = owner;
	struct pipeline *p = b->p;
	struct ended *e = copy_run(b, run);

	for (size_t i = 0; p->watcher.on_log != NULL && i < b->decision.n; i++)
		if (b->attempts[i] != 0)
			p->watcher.on_log(p->watcher.owner, b->attempts[i]);
	look_for_outage(p, e);
	pipeline_post(p, write_ended, e, free_ended);
	free_building(b);
}

/* ---- the start ---- */

struct rides {
	struct build_run_ride *items;
	size_t n, capacity;
};

static void add_ride(void *owner, const struct ride *ride)
{
	struct rides *r = owner;

	array_reserve(&r->items, &r->capacity, r->n + 1, sizeof *r->items);
	r->items[r->n++] = (struct build_run_ride){ xstrdup(ride->drv_path), ride->is_fetch };
}

static const struct builder *builder_of(const struct pipeline *p, const char *name)
{
	const struct builder *builders = p->settings->builders.items;

	for (size_t i = 0; i < p->settings->builders.n; i++)
		if (strcmp(builders[i].name, name) == 0)
			return &builders[i];
	return NULL;
}

/* The targets of the decision whose attempts were entered. Returns how many. */
static size_t load_targets(struct building *b, struct build_run_target *targets,
	struct build *builds, struct rides *rides)
{
	size_t n = 0;

	for (size_t i = 0; i < b->decision.n; i++) {
		if (b->attempts[i] == 0 ||
			!store_build_get(b->p->store, b->decision.builds[i], &builds[n]))
			continue;
		store_rides_of(b->p->store, builds[n].id, add_ride, &rides[n]);
		targets[n] = (struct build_run_target){
			.build_id = builds[n].id,
			.attempt_id = b->attempts[i],
			.drv_path = builds[n].drv_path,
			.outputs = builds[n].outputs,
			.is_fetch = builds[n].is_fetch,
			.rides = rides[n].items,
			.n_rides = rides[n].n,
		};
		n++;
	}
	return n;
}

static int run_targets(
	struct building *b, const struct build_run_target *targets, size_t n, struct err *err)
{
	struct pipeline *p = b->p;
	const struct builder *builder =
		builder_of(p, sched_builder_name(p->sched, b->decision.builder));
	cleanup_free char *root = root_file(p, b->root_id);
	cleanup_str struct str features = { 0 };
	struct build_run_spec spec = {
		.targets = targets,
		.n = n,
		.root = root,
		.log_directory = p->log_dir,
		.cores = builder == NULL ? 0 : builder->cores,
		.on_done = on_done,
		.owner = b,
	};

	for (size_t i = 0; builder != NULL && i < builder->features.n; i++)
		str_addf(&features, "%s%s", i == 0 ? "" : " ", builder->features.items[i]);
	spec.features = str_text(&features);
	return build_run_start(&p->nix, &spec, &b->run, err);
}

/* It could not even be started: as if it had been interrupted at once. */
static void fail_start(
	struct building *b, const struct build_run_target *targets, size_t n, const char *reason)
{
	struct ended *e = xcalloc(1, sizeof *e);

	e->builder = xstrdup(sched_builder_name(b->p->sched, b->decision.builder));
	e->n_targets = n;
	e->targets = xcalloc(n, sizeof *e->targets);
	for (size_t i = 0; i < n; i++) {
		e->targets[i].reason = xstrdup(reason);
		e->targets[i].result = (struct build_run_result){
			.build_id = targets[i].build_id,
			.attempt_id = targets[i].attempt_id,
			.failure = FAILURE_INTERRUPTED,
			.wall_ms = -1,
			.core_ms = -1,
		};
	}
	pipeline_post(b->p, write_ended, e, free_ended);
	free_building(b);
}

static void start_run(struct building *b)
{
	struct build_run_target targets[SCHED_BATCH_MAX];
	struct build builds[SCHED_BATCH_MAX];
	struct rides rides[SCHED_BATCH_MAX] = { 0 };
	size_t n = load_targets(b, targets, builds, rides);
	struct err err;

	if (n == 0)
		free_building(b);
	else if (b->p->stopping)
		fail_start(b, targets, n, "capqd is stopping");
	else if (run_targets(b, targets, n, &err) < 0)
		fail_start(b, targets, n, err.text);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < rides[i].n; k++)
			free((char *)rides[i].items[k].drv_path);
		free(rides[i].items);
		build_finish(&builds[i]);
	}
}

/* The attempts are on the disk. */
static void on_entered(struct pipeline *p, int64_t root_id, int64_t unused)
{
	(void)unused;
	root_pin(p, root_id);
	for (struct building *b = p->runs, *next; b != NULL; b = next) {
		next = b->next;
		if (b->root_id != root_id || b->run != NULL)
			continue;
		sched_started(p->sched, &b->decision, clock_mono_ms());
		start_run(b);
	}
}

/* What was thought when it was started: for whoever asks later, and for `capq stats`. */
static void write_start(struct pipeline *p, const struct building *b, size_t i)
{
	const struct sched_decision *d = &b->decision;
	cleanup_free char *package = store_build_package(p->store, d->builds[i]);
	cleanup_free char *caps = store_build_caps(p->store, d->builds[i]);
	double speed = pipeline_speed(p, sched_builder_name(p->sched, d->builder));
	struct estimate cost;
	struct build build;
	struct start start = {
		.rule = sched_rule_name(d->rule),
		.score = d->score,
		.start_by = d->start_by_ms == INT64_MAX ? 0 : wall_time(d->start_by_ms),
		.runner_up = d->runner_up,
		.runner_up_score = d->runner_up_score,
	};

	if (b->attempts[i] == 0 || !store_build_get(p->store, d->builds[i], &build))
		return;
	costs_of(p, &(struct costed){ package, build.name, caps, build.system }, &cost);
	start.estimate_ms = (int64_t)(estimate_median(&cost) / speed);
	start.estimate_p90_ms = (int64_t)(estimate_quantile(&cost, 0.9) / speed);
	start.basis = estimate_basis_name(cost.basis);
	store_start_add(p->store, b->attempts[i], &start);
	build_finish(&build);
}

static void write_started(struct pipeline *p, void *data)
{
	struct building *b = data;
	const char *builder = sched_builder_name(p->sched, b->decision.builder);

	b->root_id = store_root_new(p->store, clock_wall_ms());
	for (size_t i = 0; i < b->decision.n; i++) {
		build_started(p, b->decision.builds[i], builder, b->root_id, &b->attempts[i]);
		write_start(p, b, i);
	}
	after_commit(p, on_entered, b->root_id, 0);
}

void building_start_some(struct pipeline *p)
{
	while (clock_mono_ms() >= p->build_not_before_ms) {
		struct building *b;
		struct sched_decision decision;

		sched_decide(p->sched, clock_mono_ms(), &decision);
		if (decision.n == 0) {
			if (decision.ask_again_ms != INT64_MAX)
				pipeline_wake_at(p, decision.ask_again_ms);
			return;
		}
		b = xcalloc(1, sizeof *b);
		b->p = p;
		b->decision = decision;
		b->next = p->runs;
		p->runs = b;
		pipeline_begin(p, QUICK);
		write_started(p, b);
		if (!pipeline_commit(p)) { /* Decided again when there is room on the disk. */
			free_building(b);
			return;
		}
	}
}

/* ---- while it runs ---- */

static struct building *find_running(const struct pipeline *p, int64_t build_id, size_t *out_i)
{
	for (struct building *b = p->runs; b != NULL; b = b->next) {
		for (size_t i = 0; i < b->decision.n; i++) {
			if (b->decision.builds[i] == build_id && b->run != NULL) {
				*out_i = i;
				return b;
			}
		}
	}
	return NULL;
}

/* Of several builds in one slot all must be unwanted before the process is stopped: they are cheap.
 */
void building_stop(struct pipeline *p, int64_t build_id)
{
	size_t i;
	struct building *b = find_running(p, build_id, &i);

	if (b == NULL)
		return;
	b->stopped[i] = true;
	for (size_t k = 0; k < b->decision.n; k++)
		if (!b->stopped[k])
			return;
	build_run_stop(b->run);
}

void building_stop_all(struct pipeline *p)
{
	for (struct building *b = p->runs; b != NULL; b = b->next)
		if (b->run != NULL)
			build_run_stop(b->run);
}

/* The place of a build among the run's targets: those without an attempt are not in it. */
static size_t place_in_run(const struct building *b, size_t i)
{
	size_t place = 0;

	for (size_t k = 0; k < i; k++)
		if (b->attempts[k] != 0)
			place++;
	return place;
}

bool pipeline_progress(const struct pipeline *p, int64_t build_id, struct build_progress *out)
{
	size_t i;
	const struct building *b = find_running(p, build_id, &i);

	if (b == NULL || b->attempts[i] == 0)
		return false;
	build_run_progress(b->run, place_in_run(b, i), out);
	return true;
}

void pipeline_each_running(const struct pipeline *p,
	void (*each)(void *, int64_t, const struct build_progress *), void *owner)
{
	for (const struct building *b = p->runs; b != NULL; b = b->next) {
		for (size_t i = 0; b->run != NULL && i < b->decision.n; i++) {
			struct build_progress progress;

			if (b->attempts[i] == 0)
				continue;
			build_run_progress(b->run, place_in_run(b, i), &progress);
			each(owner, b->decision.builds[i], &progress);
		}
	}
}
