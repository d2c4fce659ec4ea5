#include "daemon/store/plan.h"

#include <stdlib.h>

#include "daemon/store/build.h"
#include "daemon/store/query.h"
#include "lib/mem.h"

enum {
	ADD_NEED,
	CLEAR_NEEDS,
	NEEDS_OF,
	DEPENDENTS_OF,
	LOAD_NEEDS,
	CLOSURE,
	ADD_RIDE,
	FIND_RIDE,
	REMOVE_RIDE,
	CLEAR_RIDES,
	RIDES_OF,
	ADD_FETCH,
	CLEAR_FETCHES,
	FETCHES_OF,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[ADD_NEED] = "INSERT OR IGNORE INTO build_needs (build_id, need_id) VALUES (?, ?)",
	[CLEAR_NEEDS] = "DELETE FROM build_needs WHERE build_id = ?",
	[NEEDS_OF] =
		"SELECT b.id, b.state FROM build_needs n JOIN builds b ON b.id = n.need_id WHERE "
		"n.build_id = ? ORDER BY b.id",
	[DEPENDENTS_OF] = "SELECT b.id, b.state FROM build_needs n JOIN builds b ON "
			  "b.id = n.build_id WHERE n.need_id = ? ORDER BY b.id",
	[LOAD_NEEDS] = "SELECT n.build_id, n.need_id FROM builds b JOIN build_needs n ON "
		       "n.build_id = b.id JOIN builds d ON d.id = n.need_id WHERE "
		       "b.state = 'blocked' AND d.state IN ('blocked', 'ready', 'building', "
		       "'verifying')",
	/* UNION (not UNION ALL) keeps it finite; the limit keeps it small. */
	[CLOSURE] =
		"WITH RECURSIVE needed (id) AS (SELECT ?1 UNION SELECT n.need_id FROM needed JOIN "
		"build_needs n ON n.build_id = needed.id LIMIT ?2) SELECT id FROM needed",
	[ADD_RIDE] = "INSERT OR REPLACE INTO build_rides (drv_path, build_id, is_fetch, outputs) "
		     "VALUES (?, ?, ?, ?)",
	[FIND_RIDE] = "SELECT build_id FROM build_rides WHERE drv_path = ?",
	[REMOVE_RIDE] = "DELETE FROM build_rides WHERE drv_path = ?",
	[CLEAR_RIDES] = "DELETE FROM build_rides WHERE build_id = ?",
	[RIDES_OF] = "SELECT drv_path, build_id, is_fetch, outputs FROM build_rides WHERE "
		     "build_id = ?",
	[ADD_FETCH] = "INSERT OR IGNORE INTO build_fetches (build_id, path) VALUES (?, ?)",
	[CLEAR_FETCHES] = "DELETE FROM build_fetches WHERE build_id = ?",
	[FETCHES_OF] = "SELECT path FROM build_fetches WHERE build_id = ?",
};

static const struct statements statements = { SLOT_PLAN, N_STATEMENTS, sql };
const struct statements *const store_plan_statements = &statements;

static enum build_state state_of(const char *name)
{
	enum build_state state = BUILD_BLOCKED;

	(void)build_state_from_name(name, &state);
	return state;
}

/* Run a statement whose only parameter is a build. */
static void run_for(struct store *store, int which, int64_t build_id)
{
	struct query q = query_begin(store, &statements, which);

	query_int(&q, build_id);
	query_run(&q);
}

void store_need_add(struct store *store, int64_t build_id, int64_t need_id)
{
	struct query q = query_begin(store, &statements, ADD_NEED);

	query_int(&q, build_id);
	query_int(&q, need_id);
	query_run(&q);
}

void store_needs_clear(struct store *store, int64_t build_id)
{
	run_for(store, CLEAR_NEEDS, build_id);
}

/* The rows first, the calls after: what is called may run the statement again. */
static void neighbours(struct store *store, int which, int64_t build_id,
	void (*each)(void *, int64_t, enum build_state), void *owner)
{
	struct found {
		int64_t id;
		enum build_state state;
	};
	struct query q = query_begin(store, &statements, which);
	cleanup_free struct found *found = NULL;
	size_t n = 0, capacity = 0;

	query_int(&q, build_id);
	while (query_row(&q)) {
		array_reserve(&found, &capacity, n + 1, sizeof *found);
		found[n++] =
			(struct found){ query_get_int(&q, 0), state_of(query_get_text(&q, 1)) };
	}
	query_end(&q);
	for (size_t i = 0; i < n; i++)
		each(owner, found[i].id, found[i].state);
}

void store_needs_of(struct store *store, int64_t build_id,
	void (*each)(void *, int64_t, enum build_state), void *owner)
{
	neighbours(store, NEEDS_OF, build_id, each, owner);
}

void store_dependents_of(struct store *store, int64_t build_id,
	void (*each)(void *, int64_t, enum build_state), void *owner)
{
	neighbours(store, DEPENDENTS_OF, build_id, each, owner);
}

void store_needs_load(struct store *store, void (*each)(void *, int64_t, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, LOAD_NEEDS);

	while (query_row(&q))
		each(owner, query_get_int(&q, 0), query_get_int(&q, 1));
	query_end(&q);
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void store_needs_closure(struct store *store, int64_t build_id, int limit,
	void (*each)(void *, const struct build *), void *owner)
{
	struct query q = query_begin(store, &statements, CLOSURE);
	cleanup_free int64_t *ids = NULL;
	size_t n = 0, capacity = 0;

	query_int(&q, build_id);
	query_int(&q, limit);
	while (query_row(&q)) {
		array_reserve(&ids, &capacity, n + 1, sizeof *ids);
		ids[n++] = query_get_int(&q, 0);
	}
	query_end(&q);
	if (n > 0)
		qsort(ids, n, sizeof *ids, compare_ids);
	for (size_t i = 0; i < n; i++) {
		struct build build;

		if (store_build_get(store, ids[i], &build)) {
			each(owner, &build);
			build_finish(&build);
		}
	}
}

void store_ride_add(struct store *store, const struct ride *ride)
{
	struct query q = query_begin(store, &statements, ADD_RIDE);

	query_text(&q, ride->drv_path);
	query_int(&q, ride->build_id);
	query_int(&q, ride->is_fetch);
	query_text(&q, ride->outputs);
	query_run(&q);
}

bool store_ride_find(struct store *store, const char *drv_path, int64_t *out_build_id)
{
	struct query q = query_begin(store, &statements, FIND_RIDE);
	bool found;

	query_text(&q, drv_path);
	found = query_row(&q);
	if (found)
		*out_build_id = query_get_int(&q, 0);
	query_end(&q);
	return found;
}

void store_ride_remove(struct store *store, const char *drv_path)
{
	struct query q = query_begin(store, &statements, REMOVE_RIDE);

	query_text(&q, drv_path);
	query_run(&q);
}

void store_rides_clear(struct store *store, int64_t build_id)
{
	run_for(store, CLEAR_RIDES, build_id);
}

void store_rides_of(struct store *store, int64_t build_id,
	void (*each)(void *, const struct ride *), void *owner)
{
	struct query q = query_begin(store, &statements, RIDES_OF);

	query_int(&q, build_id);
	while (query_row(&q)) {
		struct ride ride = {
			.drv_path = query_get_text(&q, 0),
			.build_id = query_get_int(&q, 1),
			.is_fetch = query_get_int(&q, 2) != 0,
			.outputs = query_get_text(&q, 3),
		};

		each(owner, &ride);
	}
	query_end(&q);
}

void store_fetch_add(struct store *store, int64_t build_id, const char *path)
{
	struct query q = query_begin(store, &statements, ADD_FETCH);

	query_int(&q, build_id);
	query_text(&q, path);
	query_run(&q);
}

void store_fetches_clear(struct store *store, int64_t build_id)
{
	run_for(store, CLEAR_FETCHES, build_id);
}

bool store_fetches_of(
	struct store *store, int64_t build_id, void (*each)(void *, const char *), void *owner)
{
	struct query q = query_begin(store, &statements, FETCHES_OF);
	bool any = false;

	query_int(&q, build_id);
	while (query_row(&q)) {
		any = true;
		if (each != NULL)
			each(owner, query_get_text(&q, 0));
	}
	query_end(&q);
	return any;
}
