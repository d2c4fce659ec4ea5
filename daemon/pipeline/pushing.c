/* Push, for the pipeline: builds that are pushing and due, several in one capq-push, those first
 * whose jobs matter most. A push that fails is tried again as a push: nothing is ever built again
 * for it. While the cache does not answer at all, that counts against no build: all pushes wait
 * (outage.h), and one of them asks now and then. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/push.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/build.h"
#include "daemon/store/want.h"
#include "io/clock.h"
#include "lib/time_text.h"

#define BUILDS_MAX 16 /* In one capq-push. */

struct pushing {
	struct pushing *next;
	struct pipeline *p;
	int64_t ids[BUILDS_MAX];
	int64_t bytes[BUILDS_MAX]; /* Uploaded so far. */
	size_t n;
	int64_t bumped_at; /* The rank of all of them. */
	int priority;
	struct push *push;
};

struct pushed {
	bool is_outage;
	int64_t *ids;
	struct push_result *results; /* `message` is ours. */
	size_t n;
};

static void free_pushed(void *data)
{
	struct pushed *r = data;

	for (size_t i = 0; i < r->n; i++)
		free((char *)r->results[i].message);
	free(r->results);
	free(r->ids);
	free(r);
}

static void land_build(struct pipeline *p, int64_t build_id, int64_t unused)
{
	(void)unused;
	id_map_remove(&p->pushing_builds, build_id);
}

static void write_pushed(struct pipeline *p, void *data)
{
	const struct pushed *r = data;

	for (size_t i = 0; i < r->n; i++) {
		if (r->results[i].ok)
			build_pushed(p, r->ids[i], r->results[i].bytes);
		else if (!p->stopping && r->is_outage)
			build_push_waits(p, r->ids[i], r->results[i].message);
		else if (!p->stopping)
			build_try_failed(p, r->ids[i], FAILURE_PUSH, r->results[i].message);
		after_commit(p, land_build, r->ids[i], 0);
	}
}

static void free_pushing(struct pushing *pu)
{
	struct pushing **at = &pu->p->pushes;

	while (*at != pu)
		at = &(*at)->next;
	*at = pu->next;
	free(pu);
}

/* Whether the cache answered says nothing about the builds, and all about what to do next. */
static void note_answer(struct pipeline *p, bool is_outage)
{
	char wait[TIME_TEXT_MAX];

	if (!is_outage) {
		outage_end(&p->cache_outage);
		return;
	}
	outage_note(&p->cache_outage, clock_mono_ms());
	duration_to_text(p->cache_outage.not_before_ms - clock_mono_ms(), wait);
	log_fact("push: the cache does not answer; all pushes wait for %s", wait);
}

static void on_done(void *owner, const int64_t *ids, const struct push_result *results, size_t n,
	bool is_outage)
{
	struct pushing *pu = owner;
	struct pipeline *p = pu->p;
	struct pushed *r = xcalloc(1, sizeof *r);
	const char *problem = NULL;

	r->is_outage = is_outage;
	r->n = n;
	r->ids = xcalloc(n, sizeof *r->ids);
	r->results = xcalloc(n, sizeof *r->results);
	for (size_t i = 0; i < n; i++) {
		r->ids[i] = ids[i];
		r->results[i] = results[i];
		r->results[i].message = xstrdup_or_null(results[i].message);
		if (!results[i].ok)
			problem = results[i].message;
	}
	if (!p->stopping) {
		set_problem(&p->cache_problem, "push", problem);
		note_answer(p, is_outage);
	}
	pipeline_post(p, write_pushed, r, free_pushed);
	free_pushing(pu);
}

static void on_progress(void *owner, int64_t build_id, int64_t bytes)
{
	struct pushing *pu = owner;

	for (size_t i = 0; i < pu->n; i++)
		if (pu->ids[i] == build_id)
			pu->bytes[i] = bytes;
}

/* ---- choosing ---- */

/* Builds of one rank go together: those that matter less would take room from the others. */
static bool choose(void *owner, const struct push_rank *rank)
{
	struct pushing *pu = owner;

	if (id_map_get(&pu->p->pushing_builds, rank->build_id) != ID_MAP_NONE)
		return true;
	if (pu->n > 0 && (rank->bumped_at != pu->bumped_at || rank->priority != pu->priority))
		return false;
	pu->bumped_at = rank->bumped_at;
	pu->priority = rank->priority;
	pu->ids[pu->n++] = rank->build_id;
	return pu->n < BUILDS_MAX;
}

/* Without a cache there is nothing to wait for. */
static int64_t due_by(const struct pipeline *p)
{
	return p->settings->cache.name == NULL ? INT64_MAX : clock_wall_ms();
}

static int start(struct pushing *pu, struct err *err)
{
	struct build builds[BUILDS_MAX];
	struct push_build specs[BUILDS_MAX];
	struct push_spec spec = {
		.builds = specs,
		.lock_dir = pu->p->lock_dir,
		.on_progress = on_progress,
		.on_done = on_done,
		.owner = pu,
	};
	size_t n = 0;
	int rv;

	for (size_t i = 0; i < pu->n; i++) {
		if (!store_build_get(pu->p->store, pu->ids[i], &builds[n]))
			continue;
		specs[n] = (struct push_build){ builds[n].id, builds[n].outputs };
		n++;
	}
	spec.n = n;
	rv = push_start(&pu->p->nix, pu->p->capq_push, &spec, &pu->push, err);
	for (size_t i = 0; i < n; i++)
		build_finish(&builds[i]);
	return rv;
}

static size_t count(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct pushing *pu = p->pushes; pu != NULL; pu = pu->next)
		n++;
	return n;
}

static void write_unpushed(struct pipeline *p, void *data)
{
	const struct pushed *r = data;

	for (size_t i = 0; i < r->n; i++) {
		build_not_pushed(p, r->ids[i]);
		after_commit(p, land_build, r->ids[i], 0);
	}
}

/* The cache was taken out of the configuration: there is nowhere to push to any more. */
static void let_go(struct pushing *pu)
{
	struct pushed *r = xcalloc(1, sizeof *r);

	r->n = pu->n;
	r->ids = xcalloc(pu->n, sizeof *r->ids);
	r->results = xcalloc(pu->n, sizeof *r->results);
	memcpy(r->ids, pu->ids, pu->n * sizeof *r->ids);
	pipeline_post(pu->p, write_unpushed, r, free_pushed);
	free_pushing(pu);
}

static bool start_one(struct pipeline *p)
{
	struct pushing *pu = xcalloc(1, sizeof *pu);
	struct err err;

	pu->p = p;
	store_push_ranks(p->store, due_by(p), choose, pu);
	if (pu->n == 0) {
		free(pu);
		return false;
	}
	pu->next = p->pushes;
	p->pushes = pu;
	for (size_t i = 0; i < pu->n; i++)
		id_map_set(&p->pushing_builds, pu->ids[i], 1);
	if (p->settings->cache.name == NULL) {
		let_go(pu);
		return true;
	}
	if (start(pu, &err) == 0)
		return true;
	set_problem(&p->cache_problem, "push", err.text);
	for (size_t i = 0; i < pu->n; i++)
		id_map_remove(&p->pushing_builds, pu->ids[i]);
	free_pushing(pu);
	return false;
}

static bool may_start(const struct pipeline *p)
{
	size_t n = count(p);

	return n < (size_t)p->settings->cache.max_jobs && p->store_problem == NULL &&
	       p->build_counts[BUILD_PUSHING] > (int64_t)p->pushing_builds.n &&
	       outage_may_try(&p->cache_outage, clock_mono_ms(), n);
}

void pushing_start_some(struct pipeline *p)
{
	while (may_start(p))
		if (!start_one(p))
			return;
}

/* Another cache may be meant, or what was wrong is mended. */
void pushing_reload(struct pipeline *p)
{
	outage_end(&p->cache_outage);
}

void pushing_stop_all(struct pipeline *p)
{
	for (struct pushing *pu = p->pushes; pu != NULL; pu = pu->next)
		push_stop(pu->push);
}

size_t pipeline_n_pushes(const struct pipeline *p)
{
	return count(p);
}

int64_t pipeline_pushed_bytes(const struct pipeline *p, int64_t build_id)
{
	for (const struct pushing *pu = p->pushes; pu != NULL; pu = pu->next)
		for (size_t i = 0; i < pu->n; i++)
			if (pu->ids[i] == build_id)
				return pu->bytes[i];
	return -1;
}
