/* Memory from the data base, at start. What ran when the last capqd ended has ended with it, so it
 * is turned into what the tables of states say. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/build_log.h"
#include "daemon/pipeline/costs.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/wanting.h"
#include "daemon/store/attempt.h"
#include "daemon/store/build.h"
#include "daemon/store/event.h"
#include "daemon/store/job.h"
#include "daemon/store/plan.h"
#include "io/clock.h"

struct ids {
	int64_t *items;
	size_t n, capacity;
};

static void add_id(struct ids *ids, int64_t id)
{
	array_reserve(&ids->items, &ids->capacity, ids->n + 1, sizeof *ids->items);
	ids->items[ids->n++] = id;
}

/* ---- logs ---- */

/* Logs of interrupted attempts, compressed one after the other on a worker thread. */
struct log_recovery {
	uv_work_t work;
	struct pipeline *p;
	struct ids ids;
	int64_t *bytes;
	char *directory;
};

static void do_recover_logs(uv_work_t *work)
{
	struct log_recovery *r = CONTAINER_OF(work, struct log_recovery, work);

	for (size_t i = 0; i < r->ids.n; i++)
		r->bytes[i] = build_log_recover(r->directory, r->ids.items[i]);
}

static void write_log_bytes(struct pipeline *p, void *data)
{
	const struct log_recovery *r = data;

	for (size_t i = 0; i < r->ids.n; i++)
		store_attempt_set_log_bytes(p->store, r->ids.items[i], r->bytes[i]);
}

static void free_log_recovery(void *data)
{
	struct log_recovery *r = data;

	free(r->ids.items);
	free(r->bytes);
	free(r->directory);
	free(r);
}

static void on_logs_recovered(uv_work_t *work, int status)
{
	struct log_recovery *r = CONTAINER_OF(work, struct log_recovery, work);

	(void)status;
	r->p->recovering_logs = false;
	pipeline_post(r->p, write_log_bytes, r, free_log_recovery);
}

static void note_attempt(void *owner, int64_t attempt_id)
{
	struct log_recovery *r = owner;

	add_id(&r->ids, attempt_id);
}

static void recover_logs(struct pipeline *p, struct log_recovery *r)
{
	if (r->ids.n == 0) {
		free_log_recovery(r);
		return;
	}
	r->p = p;
	r->directory = xstrdup(p->log_dir);
	r->bytes = xcalloc(r->ids.n, sizeof *r->bytes);
	p->recovering_logs = true;
	if (uv_queue_work(p->loop, &r->work, do_recover_logs, on_logs_recovered) != 0)
		abort(); /* libuv has no reason to refuse. */
}

/* ---- builds ---- */

static bool note_build(void *owner, int64_t id, int64_t not_before)
{
	(void)not_before;
	add_id(owner, id);
	return true;
}

static int interrupt_builds(struct pipeline *p, struct err *err)
{
	struct ids building = { 0 };
	int64_t now = clock_wall_ms();
	int rv;

	store_builds_each(p->store, BUILD_BUILDING, note_build, &building);
	p->in_write = true; /* Memory is not made yet: what is deferred here is forgotten below. */
	store_begin(p->store);
	store_attempts_interrupt(p->store, now);
	for (size_t i = 0; i < building.n; i++)
		build_interrupted(p, building.items[i], "capqd was restarted");
	rv = store_commit(p->store, err);
	p->in_write = false;
	p->n_deferred = 0;
	memset(p->job_deltas, 0, sizeof p->job_deltas);
	memset(p->build_deltas, 0, sizeof p->build_deltas);
	free(building.items);
	return rv;
}

/* What load_build() leaves for resume_build(): once all are there. */
struct loaded {
	int64_t id, not_before;
	enum build_state state;
};

struct loading {
	struct pipeline *p;
	struct loaded *items;
	size_t n, capacity;
};

static void load_build(void *owner, const struct build_load *load)
{
	struct loading *l = owner;
	struct pipeline *p = l->p;
	struct sched_build build = {
		.id = load->id,
		.lane = load->is_fetch ? SCHED_FETCH : SCHED_BUILD,
	};
	struct costed costed = {
		.package = load->package,
		.name = load->name,
		.caps = load->caps,
		.system = load->system,
	};
	struct estimate cost;

	(void)sched_system(p->sched, load->system, &build.system, NULL);
	(void)sched_features(p->sched, load->features, &build.features, NULL);
	costs_of(p, &costed, &cost);
	build.cost_ms = estimate_median(&cost);
	build.cost_sigma = cost.sigma;
	sched_add(p->sched, &build, NULL, 0);
	array_reserve(&l->items, &l->capacity, l->n + 1, sizeof *l->items);
	l->items[l->n++] = (struct loaded){ load->id, load->not_before, load->state };
}

static void load_need(void *owner, int64_t build_id, int64_t need_id)
{
	struct pipeline *p = owner;

	sched_restore_need(p->sched, build_id, need_id);
}

/* Give a loaded build back what its state means. */
static void resume_build(struct pipeline *p, const struct loaded *build)
{
	if (build->state == BUILD_VERIFYING)
		return; /* The step finds it by itself. */
	if (!sched_is_wanted(p->sched, build->id))
		builds_drop_unwanted(p, build->id);
	else if (build->state == BUILD_READY && sched_state(p->sched, build->id) == SCHED_OPEN)
		sched_set_ready(p->sched, build->id,
			build->not_before == 0
				? 0
				: clock_mono_ms() + build->not_before - clock_wall_ms());
	else if (build->state == BUILD_BLOCKED && sched_state(p->sched, build->id) == SCHED_OPEN)
		fetch_or_unblock(p, build->id);
}

static void load_schedule(struct pipeline *p)
{
	struct loading l = { .p = p };

	store_builds_load(p->store, load_build, &l);
	store_needs_load(p->store, load_need, p);
	wants_load(p);
	for (size_t i = 0; i < l.n; i++)
		resume_build(p, &l.items[i]);
	free(l.items);
}

/* ---- all of it ---- */

int recover(struct pipeline *p, struct err *err)
{
	struct log_recovery *logs = xcalloc(1, sizeof *logs);
	int64_t oldest;
	int rv;

	store_attempts_running(p->store, note_attempt, logs);
	rv = interrupt_builds(p, err);
	if (rv < 0) {
		free_log_recovery(logs);
		return rv;
	}
	store_jobs_count(p->store, p->job_counts);
	store_builds_count(p->store, p->build_counts);
	store_events_range(p->store, &oldest, &p->last_event_id);
	load_schedule(p);
	recover_logs(p, logs);
	return 0;
}
