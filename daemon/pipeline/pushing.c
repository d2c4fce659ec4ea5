/* Push, for the pipeline: builds that are pushing and due, several in one capq-push. A push that
 * fails is tried again as a push: nothing is ever built again for it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/push.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/build.h"
#include "io/clock.h"

#define BUILDS_MAX 16 /* In one capq-push. */

struct pushing {
	struct pushing *next;
	struct pipeline *p;
	int64_t ids[BUILDS_MAX];
	int64_t bytes[BUILDS_MAX]; /* Uploaded so far. */
	size_t n;
	struct push *push;
};

struct pushed {
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

static void on_done(void *owner, const int64_t *ids, const struct push_result *results, size_t n)
{
	struct pushing *pu = owner;
	struct pipeline *p = pu->p;
	struct pushed *r = xcalloc(1, sizeof *r);
	const char *problem = NULL;

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
	if (!p->stopping)
		set_problem(&p->cache_problem, "push", problem);
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

static bool choose(void *owner, int64_t id, int64_t not_before)
{
	struct pushing *pu = owner;

	if ((not_before <= clock_wall_ms() || pu->p->settings->cache.name == NULL) &&
		id_map_get(&pu->p->pushing_builds, id) == ID_MAP_NONE)
		pu->ids[pu->n++] = id;
	return pu->n < BUILDS_MAX;
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
	store_builds_each(p->store, BUILD_PUSHING, choose, pu);
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

void pushing_start_some(struct pipeline *p)
{
	while (count(p) < (size_t)p->settings->cache.max_jobs && p->store_problem == NULL &&
		p->build_counts[BUILD_PUSHING] > (int64_t)p->pushing_builds.n)
		if (!start_one(p))
			return;
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
