/* What builds need: other builds, ride-alongs, and paths to fetch. */
#ifndef CAPQ_DAEMON_STORE_PLAN_H
#define CAPQ_DAEMON_STORE_PLAN_H

#include "daemon/store/store.h"
#include "lib/job.h"

void store_need_add(struct store *store, int64_t build_id, int64_t need_id); /* There: nothing. */
void store_needs_clear(struct store *store, int64_t build_id);

/* Call `each` for what the build needs (directly), or for what needs it; with their states. */
void store_needs_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, int64_t id, enum build_state state), void *owner);
void store_dependents_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, int64_t id, enum build_state state), void *owner);

/* Call `each` for every edge between builds that are not valid yet. */
void store_needs_load(struct store *store,
	void (*each)(void *owner, int64_t build_id, int64_t need_id), void *owner);

/* Call `each` for the build and everything that it needs, directly or not, at most `limit` of them,
 * what is needed first first as far as ids tell (needs are entered before what needs them). */
void store_needs_closure(struct store *store, int64_t build_id, int limit,
	void (*each)(void *owner, const struct build *build), void *owner);

/* A missing derivation that is built along with a build. */
struct ride {
	const char *drv_path;
	int64_t build_id;
	bool is_fetch;
	const char *outputs; /* A JSON object. */
};
void store_ride_add(struct store *store, const struct ride *ride); /* Replaces an older one. */
bool store_ride_find(struct store *store, const char *drv_path, int64_t *out_build_id);
void store_ride_remove(struct store *store, const char *drv_path);
void store_rides_clear(struct store *store, int64_t build_id);
void store_rides_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, const struct ride *ride), void *owner);

/* Paths that are fetched before the build is ready. */
void store_fetch_add(struct store *store, int64_t build_id, const char *path); /* There: nothing. */
void store_fetches_clear(struct store *store, int64_t build_id);
bool store_fetches_of(struct store *store, int64_t build_id,
	void (*each)(void *owner, const char *path), void *owner); /* Whether there are any. */

#endif
