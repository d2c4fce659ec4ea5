/* Fetch, for the pipeline: a build that needs no other build any more gets from the substituters
 * what else it lacks, and is ready then. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/fetch.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/build.h"
#include "daemon/store/plan.h"
#include "daemon/store/root.h"
#include "io/clock.h"
#include "lib/nix_error.h"

/* The values of p->fetching_builds. */
enum {
	WAITS = 1,
	RUNS = 2,
};

struct fetching {
	struct fetching *next;
	struct pipeline *p;
	int64_t build_id, root_id;
	struct argv paths;
	bool brings_outputs; /* Its own: nothing is left to build. */
	struct fetch *fetch; /* NULL until its root is entered. */
};

/* ---- ready ---- */

/* Builds that are called ready together. */
struct unblocking {
	int64_t *ids;
	size_t n, capacity;
};

static void write_unblocked(struct pipeline *p, void *data)
{
	const struct unblocking *u = data;

	if (p->unblocking == u)
		p->unblocking = NULL; /* What comes from now on is another event. */
	for (size_t i = 0; i < u->n; i++)
		build_unblocked(p, u->ids[i]);
}

static void free_unblocking(void *data)
{
	struct unblocking *u = data;

	free(u->ids);
	free(u);
}

static void unblock(struct pipeline *p, int64_t build_id)
{
	struct unblocking *u = p->unblocking;

	if (u == NULL) {
		u = p->unblocking = xcalloc(1, sizeof *u);
		pipeline_post(p, write_unblocked, u, free_unblocking);
	}
	array_reserve(&u->ids, &u->capacity, u->n + 1, sizeof *u->ids);
	u->ids[u->n++] = build_id;
}

void fetch_or_unblock(struct pipeline *p, int64_t build_id)
{
	if (id_map_get(&p->fetching_builds, build_id) != ID_MAP_NONE)
		return; /* It waits, or is being fetched for. */
	if (store_fetches_of(p->store, build_id, NULL, NULL))
		id_map_set(&p->fetching_builds, build_id, WAITS);
	else
		unblock(p, build_id);
	pipeline_wake(p);
}

/* ---- one fetch ---- */

static void free_fetching(struct fetching *f)
{
	struct fetching **at = &f->p->fetches;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	argv_finish(&f->paths);
	free(f);
}

struct fetched {
	int64_t build_id, root_id;
	bool brings_outputs;
	char *message; /* NULL: all is there. */
};

/* What the substituter had it may have no more: ask again before the next try. */
static void plan_again(struct pipeline *p, int64_t build_id, int64_t unused)
{
	(void)unused;
	if (sched_state(p->sched, build_id) != SCHED_UNKNOWN)
		plan_build(p, build_id);
}

static void write_fetched(struct pipeline *p, void *data)
{
	const struct fetched *f = data;

	if (f->message != NULL) {
		/* Without Nix it is no failure: the new plan waits until Nix can be reached. */
		if (!nix_error_is_outage(f->message))
			build_try_failed(p, f->build_id, FAILURE_NETWORK, f->message);
		after_commit(p, plan_again, f->build_id, 0);
		return;
	}
	store_fetches_clear(p->store, f->build_id);
	if (f->brings_outputs) {
		store_build_set_output_root(p->store, f->build_id, f->root_id);
		build_was_fetched(p, f->build_id);
	} else {
		store_build_set_input_root(p->store, f->build_id, f->root_id);
		build_unblocked(p, f->build_id);
	}
}

static void free_fetched(void *data)
{
	struct fetched *f = data;

	free(f->message);
	free(f);
}

static void on_fetched(void *owner, const char *message)
{
	struct fetching *f = owner;
	struct pipeline *p = f->p;
	struct fetched *result = xcalloc(1, sizeof *result);

	result->build_id = f->build_id;
	result->root_id = f->root_id;
	result->brings_outputs = f->brings_outputs;
	result->message = xstrdup_or_null(message);
	id_map_remove(&p->fetching_builds, f->build_id);
	root_unpin(p, f->root_id);
	p->sweep_roots = true;
	if (p->stopping && message != NULL)
		free_fetched(result); /* The next start finds it blocked, and fetches. */
	else
		pipeline_post(p, write_fetched, result, free_fetched);
	free_fetching(f);
}

static void start_fetch(struct fetching *f)
{
	struct pipeline *p = f->p;
	cleanup_free char *root = root_file(p, f->root_id);
	struct fetch_spec spec = {
		.paths = argv_words(&f->paths),
		.n = f->paths.n,
		.root = root,
		.on_done = on_fetched,
		.owner = f,
	};
	struct err err;

	log_fact("build %" PRId64 ": fetching %zu path%s", f->build_id, f->paths.n,
		f->paths.n == 1 ? "" : "s");
	if (p->stopping)
		on_fetched(f, "stopped");
	else if (fetch_start(&p->nix, &spec, &f->fetch, &err) < 0)
		on_fetched(f, err.text);
}

static void on_root_entered(struct pipeline *p, int64_t root_id, int64_t unused)
{
	(void)unused;
	root_pin(p, root_id);
	for (struct fetching *f = p->fetches, *next; f != NULL; f = next) {
		next = f->next;
		if (f->root_id == root_id && f->fetch == NULL)
			start_fetch(f);
	}
}

static void write_root(struct pipeline *p, void *data)
{
	struct fetching *f = data;

	f->root_id = store_root_new(p->store, clock_wall_ms());
	after_commit(p, on_root_entered, f->root_id, 0);
}

/* ---- choosing ---- */

static void add_path(void *owner, const char *path)
{
	struct fetching *f = owner;

	argv_add(&f->paths, path);
}

static bool has_output(const struct build *build, const char *path)
{
	return strstr(build->outputs, path) !=
	       NULL; /* JSON of store paths, which need no escapes. */
}

static void begin(struct pipeline *p, const struct build *build)
{
	struct fetching *f = xcalloc(1, sizeof *f);

	f->p = p;
	f->build_id = build->id;
	f->next = p->fetches;
	p->fetches = f;
	id_map_set(&p->fetching_builds, build->id, RUNS);
	(void)store_fetches_of(p->store, build->id, add_path, f);
	f->brings_outputs = f->paths.n > 0 && has_output(build, f->paths.words[0]);
	pipeline_post(p, write_root, f, NULL);
}

static size_t count(const struct pipeline *p)
{
	size_t n = 0;

	for (const struct fetching *f = p->fetches; f != NULL; f = f->next)
		n++;
	return n;
}

/* Begin for one build that waits, is wanted, and is due. False: there is none. */
static bool start_one(struct pipeline *p)
{
	const struct id_map *map = &p->fetching_builds;
	bool begun = false;

	for (size_t i = 0; i < map->size && !begun; i++) {
		struct build build;

		if (map->ids[i] == 0 || map->values[i] != WAITS ||
			!store_build_get(p->store, map->ids[i], &build))
			continue;
		begun = build.state == BUILD_BLOCKED && build.not_before <= clock_wall_ms() &&
			sched_is_wanted(p->sched, build.id);
		if (begun)
			begin(p, &build);
		build_finish(&build);
	}
	return begun;
}

/* Builds that failed or were dropped while they waited. */
static void forget_dropped(struct pipeline *p)
{
	int64_t gone = 0;

	do {
		gone = 0;
		for (size_t i = 0; i < p->fetching_builds.size && gone == 0; i++)
			if (p->fetching_builds.ids[i] != 0 &&
				p->fetching_builds.values[i] == WAITS &&
				sched_state(p->sched, p->fetching_builds.ids[i]) == SCHED_UNKNOWN)
				gone = p->fetching_builds.ids[i];
		id_map_remove(&p->fetching_builds, gone);
	} while (gone != 0);
}

void fetching_start_some(struct pipeline *p)
{
	if (p->fetching_builds.n == 0)
		return;
	forget_dropped(p);
	while (count(p) < (size_t)p->settings->substitution_jobs && start_one(p))
		;
}

void fetching_stop_all(struct pipeline *p)
{
	for (struct fetching *f = p->fetches; f != NULL; f = f->next)
		if (f->fetch != NULL)
			fetch_stop(f->fetch);
}
