#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/costs.h"
#include "daemon/pipeline/forecasting.h"
#include "daemon/pipeline/relearning.h"
#include "daemon/pipeline/wanting.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/pipeline/steps.h"
#include "daemon/store/context.h"
#include "daemon/store/event.h"
#include "io/capture.h"
#include "io/clock.h"

#define TICK_MS 1000
#define EVENTS_TIME_US 8000 /* How long events may keep the loop in one turn. */

/* ---- events ---- */

static void do_nothing(uv_idle_t *idle)
{
	(void)idle; /* Being active, it keeps the loop from waiting: that is all it is for. */
}

void pipeline_wake(struct pipeline *p)
{
	p->awake = true;
	uv_idle_start(&p->no_wait, do_nothing);
}

static void on_due(uv_timer_t *timer)
{
	pipeline_wake(timer->data);
}

void pipeline_wake_at(struct pipeline *p, int64_t mono_ms)
{
	int64_t wait = mono_ms - clock_mono_ms();

	uv_timer_start(&p->due, on_due, wait > 0 ? (uint64_t)wait : 0, 0);
}

void pipeline_post(struct pipeline *p, void (*write)(struct pipeline *, void *), void *data,
	void (*free_data)(void *))
{
	struct event *e = xcalloc(1, sizeof *e);

	e->write = write;
	e->data = data;
	e->free_data = free_data;
	if (p->last_event != NULL)
		p->last_event->next = e;
	else
		p->first_event = e;
	p->last_event = e;
	pipeline_wake(p);
}

void after_commit(struct pipeline *p, void (*action)(struct pipeline *, int64_t, int64_t),
	int64_t a, int64_t b)
{
	assert(p->in_write);
	array_reserve(&p->deferred, &p->deferred_capacity, p->n_deferred + 1, sizeof *p->deferred);
	p->deferred[p->n_deferred++] = (struct deferred){ action, a, b };
}

void note_event(struct pipeline *p, const char *kind, int64_t subject, const char *before,
	const char *after, const char *failure, const char *reason)
{
	struct event_row row = {
		.at = clock_wall_ms(),
		.kind = kind,
		.subject = subject,
		.before = before,
		.after = after,
		.failure = failure,
		.reason = reason,
	};

	p->pending_event_id = store_event(p->store, &row);
}

static void forget_transaction(struct pipeline *p)
{
	p->n_deferred = 0;
	p->pending_event_id = 0;
	memset(p->job_deltas, 0, sizeof p->job_deltas);
	memset(p->build_deltas, 0, sizeof p->build_deltas);
}

/* What was written is on the disk: let memory follow. */
static void follow_transaction(struct pipeline *p)
{
	for (int i = 0; i < JOB_STATES; i++)
		p->job_counts[i] += p->job_deltas[i];
	for (int i = 0; i < BUILD_STATES; i++)
		p->build_counts[i] += p->build_deltas[i];
	if (p->pending_event_id > p->last_event_id)
		p->last_event_id = p->pending_event_id;
	for (size_t i = 0; i < p->n_deferred; i++)
		p->deferred[i].action(p, p->deferred[i].a, p->deferred[i].b);
	forget_transaction(p);
}

void pipeline_begin(struct pipeline *p, enum durability durability)
{
	p->in_write = true;
	store_set_durable(p->store, durability == DURABLE);
	store_begin(p->store);
}

bool pipeline_commit(struct pipeline *p)
{
	struct err err;
	int rv = store_commit(p->store, &err);

	p->in_write = false;
	p->store_code = rv;
	set_problem(&p->store_problem, "store", rv < 0 ? err.text : NULL);
	if (rv < 0) {
		forget_transaction(p);
		return false;
	}
	follow_transaction(p);
	return true;
}

static void free_event(struct event *e)
{
	if (e->free_data != NULL)
		e->free_data(e->data);
	free(e);
}

bool pipeline_run_events(struct pipeline *p)
{
	int64_t began = clock_mono_us();

	while (p->first_event != NULL) {
		struct event *e = p->first_event;

		pipeline_begin(p, QUICK);
		e->write(p, e->data);
		if (!pipeline_commit(p))
			return false; /* It stays at the head of the line. */
		p->first_event = e->next;
		if (p->first_event == NULL)
			p->last_event = NULL;
		free_event(e);
		if (clock_mono_us() - began > EVENTS_TIME_US)
			break;
	}
	return true;
}

/* ---- the turn's end ---- */

bool pipeline_may_start(const struct pipeline *p)
{
	return p->started && !p->stopping && !p->is_draining && !p->disk_low &&
	       p->store_problem == NULL;
}

static void start_some(struct pipeline *p)
{
	p->awake = false;
	if (p->stopping || !p->started)
		return;
	verifying_start_some(p);
	pushing_start_some(p); /* Also while draining: what is built is not to be lost. */
	if (!pipeline_may_start(p))
		return;
	building_start_some(p);
	fetching_start_some(p);
	planning_start_some(p);
	evaluating_start_some(p);
}

static void finish_stopping(struct pipeline *p)
{
	void (*on_stopped)(void *) = p->on_stopped;

	/* Events that cannot be stored are found out again by the next start. */
	if (!p->stopping || on_stopped == NULL || p->children.n > 0 || !report_is_idle(p) ||
		!forecasting_is_idle(p) || !bulk_is_idle(p) || !revisions_are_idle(p->revisions) ||
		p->recovering_logs || (p->first_event != NULL && p->store_problem == NULL) ||
		p->evaluations != NULL || p->plans != NULL || p->enterings != NULL ||
		p->dry_runs != NULL || p->probings != NULL || p->fetches != NULL ||
		p->runs != NULL || p->verifications != NULL || p->pushes != NULL)
		return;
	p->on_stopped = NULL;
	if (p->store_problem == NULL) { /* What just ended may have been the last to need a root. */
		roots_sweep(p);
		(void)pipeline_run_events(p);
	}
	on_stopped(p->stop_owner);
}

static void on_turn_end(uv_check_t *check)
{
	struct pipeline *p = check->data;
	int64_t before = p->last_event_id;
	bool more;

	accept_commit(p);
	(void)pipeline_run_events(p);
	more = bulk_write_some(p);
	more |= relearning_do_some(p);
	if (p->awake)
		start_some(p);
	if (p->last_event_id != before && p->watcher.on_events != NULL)
		p->watcher.on_events(p->watcher.owner, p->last_event_id);
	if (p->watcher.on_turn_end != NULL)
		p->watcher.on_turn_end(p->watcher.owner);
	/* An event that could not be committed waits for the tick. */
	if (!p->awake && !more && (p->first_event == NULL || p->store_problem != NULL))
		uv_idle_stop(&p->no_wait);
	finish_stopping(p);
}

/* ---- once a second ---- */

static void look_at_disk(struct pipeline *p)
{
	struct statvfs fs;
	int64_t free_bytes;
	bool low;

	if (statvfs(p->state_dir, &fs) != 0)
		return;
	free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	low = free_bytes < p->settings->limits.state_free_bytes;
	if (low && !p->disk_low)
		log_broken(
			"the disk with %s is nearly full: nothing new is accepted or started until "
			"there is room again (limits.state_free)",
			p->state_dir);
	if (!low && p->disk_low)
		log_fact("the disk with %s has room again", p->state_dir);
	p->disk_low = low;
}

static bool is_live_revision(void *owner, const char *hash)
{
	struct pipeline *p = owner;

	return store_revision_is_live(p->store, hash);
}

/* What could not be stored was no event that would be tried again: see whether there is room. */
static void try_store(struct pipeline *p)
{
	pipeline_begin(p, QUICK);
	store_set_draining(p->store, p->is_draining);
	(void)pipeline_commit(p);
}

static void on_tick(uv_timer_t *timer)
{
	struct pipeline *p = timer->data;

	p->ticks++;
	look_at_disk(p);
	if (p->store_problem != NULL && p->first_event == NULL && !p->stopping)
		try_store(p);
	p->evaluate_all_tried = false;
	pipeline_wake(p);
	(void)children_kill_orphans(&p->children);
	revisions_tick(p->revisions);
	if (!p->stopping && p->store_problem == NULL) {
		if (p->sweep_roots || p->sweep_trees)
			p->sweep_trees = !revisions_sweep_trees(p->revisions, is_live_revision, p);
		if (p->sweep_roots)
			roots_sweep(p);
		report_tick(p);
		usage_tick(p);
		forecasting_tick(p);
	}
	if (p->watcher.on_tick != NULL && !p->stopping)
		p->watcher.on_tick(p->watcher.owner);
}

/* ---- life ---- */

static void on_version(void *owner, const char *message, const char *out)
{
	struct pipeline *p = owner;

	if (p->stopping)
		return;
	if (message != NULL) {
		log_broken("nix: %s; is Nix installed, and in PATH?", message);
		return;
	}
	p->nix_version = xstrdup(out);
	log_fact("nix: %s", out);
}

static void ask_version(struct pipeline *p)
{
	static const char *const argv[] = { "nix-store", "--version", NULL };
	struct capture_spec spec = {
		.name = "nix-store",
		.argv = argv,
		.env = argv_words(&p->nix.env),
		.timeout_ms = 60000,
		.on_done = on_version,
		.owner = p,
	};
	struct capture *capture;
	struct err err;

	if (capture_start(&p->children, &spec, &capture, &err) < 0)
		log_broken("nix: %s", err.text);
}

double pipeline_speed(const struct pipeline *p, const char *builder)
{
	const struct builder *builders = p->settings->builders.items;

	for (size_t i = 0; i < p->settings->builders.n; i++)
		if (strcmp(builders[i].name, builder) == 0)
			return (double)builders[i].speed / 100;
	return 1;
}

static void set_policy(struct pipeline *p)
{
	struct sched_policy policy = {
		.promise_grace_ms = p->settings->scheduling.promise_grace_ms,
		.promise_factor = (double)p->settings->scheduling.promise_backlog / 100,
		.promise_slots = (double)p->settings->scheduling.promise_slots / 100,
		.reserve = (double)p->settings->scheduling.reserve / 100,
	};

	sched_set_policy(p->sched, &policy);
}

static void set_builders(struct pipeline *p)
{
	const struct builder *builders = p->settings->builders.items;
	size_t n = p->settings->builders.n;
	cleanup_free struct sched_builder *specs = xcalloc(n, sizeof *specs);
	struct sched_batching batching = {
		.cost_ms = (double)p->settings->build.batch_ms,
		.max = (size_t)p->settings->build.batch_max,
	};

	for (size_t i = 0; i < n; i++) {
		cleanup_str struct str features = { 0 };
		struct err err = { 0 };
		uint32_t system;

		specs[i].name = builders[i].name;
		specs[i].slots[SCHED_BUILD] = (uint32_t)builders[i].max_jobs;
		specs[i].slots[SCHED_FETCH] = (uint32_t)builders[i].fetch_jobs;
		specs[i].speed = (double)builders[i].speed / 100;
		for (size_t k = 0; k < builders[i].systems.n; k++)
			if (sched_system(p->sched, builders[i].systems.items[k], &system, &err) ==
				0)
				specs[i].systems |= 1u << system;
		/* What any machine builds: downloads that run no program. */
		if (sched_system(p->sched, "builtin", &system, NULL) == 0)
			specs[i].systems |= 1u << system;
		for (size_t k = 0; k < builders[i].features.n; k++)
			str_addf(&features, "%s ", builders[i].features.items[k]);
		(void)sched_features(p->sched, str_text(&features), &specs[i].features, &err);
		if (err.code != 0)
			log_broken("builder %s: %s; it is used without them", builders[i].name,
				err.text);
	}
	sched_set_builders(p->sched, specs, n);
	set_policy(p);
	sched_set_batching(p->sched, batching);
}

static int make_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s", path);
	return 0;
}

static int make_directories(struct pipeline *p, struct err *err)
{
	int rv = make_directory(p->log_dir, err);

	if (rv == 0)
		rv = make_directory(p->root_dir, err);
	if (rv == 0)
		rv = make_directory(p->lock_dir, err);
	if (rv == 0)
		rv = nix_init(&p->nix, &p->children, p->settings, p->state_dir, err);
	return rv;
}

static void free_pipeline(struct pipeline *p)
{
	while (p->first_event != NULL) {
		struct event *next = p->first_event->next;

		free_event(p->first_event);
		p->first_event = next;
	}
	accept_finish(p);
	bulk_finish(p);
	report_finish(p);
	costs_finish(p);
	forecasting_finish(p);
	relearning_finish(p);
	sched_destroy(p->sched);
	nix_finish(&p->nix);
	id_map_finish(&p->evaluating_jobs);
	id_map_finish(&p->planning_jobs);
	id_map_finish(&p->verifying_builds);
	id_map_finish(&p->pushing_builds);
	id_map_finish(&p->plan_alone);
	id_map_finish(&p->replan_builds);
	id_map_finish(&p->fetching_builds);
	id_map_finish(&p->pinned_roots);
	free(p->deferred);
	free(p->state_dir);
	free(p->log_dir);
	free(p->root_dir);
	free(p->lock_dir);
	free(p->capq_push);
	free(p->capq_inspect);
	free(p->launcher);
	free(p->nix_version);
	free(p->store_problem);
	free(p->cache_problem);
	free(p->substituter_problem);
	free(p->nix_problem);
	free(p);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct pipeline *p = handle->data;

	if (--p->open_handles == 0)
		free_pipeline(p);
}

int pipeline_create(const struct pipeline_spec *spec, struct pipeline **out, struct err *err)
{
	struct pipeline *p = xcalloc(1, sizeof *p);
	int rv;

	p->loop = spec->loop;
	p->settings = spec->settings;
	p->store = spec->store;
	p->state_dir = xstrdup(spec->state_dir);
	p->log_dir = str_format("%s/logs", spec->state_dir);
	p->root_dir = str_format("%s/roots", spec->state_dir);
	p->lock_dir = str_format("%s/push-locks", spec->state_dir);
	p->capq_push = xstrdup(spec->capq_push);
	p->capq_inspect = xstrdup(spec->capq_inspect);
	p->launcher = xstrdup(spec->launcher);
	p->children = (struct children){
		.loop = spec->loop,
		.launcher = p->launcher,
		.inherit_fd = spec->inherit_fd,
	};
	p->sched = sched_create();
	p->is_draining = store_is_draining(p->store);
	set_builders(p);
	costs_start(p);
	report_start(p);
	bulk_start(p);
	rv = make_directories(p, err);
	if (rv < 0) {
		free_pipeline(p);
		return rv;
	}
	uv_check_init(p->loop, &p->turn_end);
	uv_idle_init(p->loop, &p->no_wait);
	uv_timer_init(p->loop, &p->tick);
	uv_timer_init(p->loop, &p->due);
	p->turn_end.data = p->no_wait.data = p->tick.data = p->due.data = p;
	p->open_handles = 4;
	p->revisions = revisions_create(&p->nix, p->state_dir);
	/* Builders that a killed nix-store leaves behind come to us (io/child.h). */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	rv = recover(p, err);
	if (rv < 0) {
		pipeline_destroy(p);
		return rv;
	}
	uv_check_start(&p->turn_end, on_turn_end);
	*out = p;
	return 0;
}

void pipeline_start(struct pipeline *p)
{
	p->started = true;
	p->started_at = clock_wall_ms();
	uv_timer_start(&p->tick, on_tick, TICK_MS, TICK_MS);
	look_at_disk(p);
	revisions_start(p->revisions, is_live_revision, p);
	ask_version(p);
	p->sweep_roots = true;
	pipeline_wake(p);
}

void pipeline_stop(struct pipeline *p, void (*on_stopped)(void *owner), void *owner)
{
	p->stopping = true;
	p->on_stopped = on_stopped;
	p->stop_owner = owner;
	revisions_stop(p->revisions);
	evaluating_stop_all(p);
	dry_runs_stop_all(p);
	probings_stop_all(p);
	planning_stop_all(p);
	fetching_stop_all(p);
	building_stop_all(p);
	verifying_stop_all(p);
	pushing_stop_all(p);
	children_stop_all(&p->children); /* git, tar, rm, ... */
	pipeline_wake(p);
}

void pipeline_destroy(struct pipeline *p)
{
	revisions_destroy(p->revisions);
	uv_close((uv_handle_t *)&p->turn_end, on_handle_closed);
	uv_close((uv_handle_t *)&p->no_wait, on_handle_closed);
	uv_close((uv_handle_t *)&p->tick, on_handle_closed);
	uv_close((uv_handle_t *)&p->due, on_handle_closed);
}

void pipeline_watch(struct pipeline *p, const struct pipeline_watcher *watcher)
{
	p->watcher = *watcher;
}

static void write_note(struct pipeline *p, void *data)
{
	note_event(p, "daemon", 0, NULL, data, "", NULL);
}

/* For whoever follows the events. `what` is a literal. */
static void note(struct pipeline *p, const char *what)
{
	pipeline_post(p, write_note, (void *)what, NULL);
}

void pipeline_reload(struct pipeline *p)
{
	note(p, "reloaded");
	set_builders(p);
	wants_reload(p);
	pushing_reload(p);
	p->evaluate_all_tried = false;
	pipeline_wake(p);
}

int pipeline_drain(struct pipeline *p, bool drain, struct err *err)
{
	if (p->is_draining == drain)
		return 0;
	pipeline_begin(p, DURABLE);
	store_set_draining(p->store, drain);
	note_event(p, "daemon", 0, NULL, drain ? "draining" : "resumed", "", NULL);
	if (!pipeline_commit(p))
		return err_set(err, p->store_code, "it cannot be stored: %s", p->store_problem);
	log_fact(drain ? "draining: nothing new is started" : "going on");
	p->is_draining = drain;
	pipeline_wake(p);
	return 0;
}
