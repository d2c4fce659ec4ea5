/* The table of builds. What they need stands in plan.h. */
#ifndef CAPQ_DAEMON_STORE_BUILD_H
#define CAPQ_DAEMON_STORE_BUILD_H

#include "daemon/store/store.h"
#include "lib/job.h"

/* A derivation to enter as a build; strings are borrowed. */
struct build_entry {
	const char *drv_path, *name, *package, *system, *features, *outputs, *caps;
	bool is_fetch, is_trusted;
	enum build_state state;
	int64_t now_ms;
};

/* Enter it; no build of its derivation is there. Returns its id. */
int64_t store_build_enter(struct store *store, const struct build_entry *entry);

/* The few facts that planning looks at. */
struct build_key {
	int64_t id;
	enum build_state state;
	enum failure failure;
	bool is_trusted;
	int64_t finished_at; /* Milliseconds since 1970; 0: it is not. */
};
bool store_build_find(struct store *store, const char *drv_path, struct build_key *out);

/* False when there is none. The caller ends with build_finish(). */
bool store_build_get(struct store *store, int64_t id, struct build *out);
char *store_build_package(struct store *store, int64_t id); /* The caller frees. */
char *store_build_caps(struct store *store, int64_t id);    /* Likewise. */

/* What a change of state writes; what is 0 or NULL here is not kept: reason, not_before, ... */
struct build_change {
	enum build_state state;
	enum failure failure;
	const char *reason;
	int tries;
	int64_t not_before;
	int64_t now_ms; /* Becomes ready_at, started_at or finished_at, as the state says. */
};
void store_build_change(struct store *store, int64_t id, const struct build_change *change);

void store_build_trust(struct store *store, int64_t id);
void store_build_set_attempt(struct store *store, int64_t id, int number, const char *builder,
	int64_t output_root, int64_t now_ms);
void store_build_set_output_root(struct store *store, int64_t id, int64_t root_id);
int64_t store_build_output_root(struct store *store, int64_t id); /* 0: none. */
bool store_build_is_target(struct store *store, int64_t id);      /* A job asked for it. */
void store_build_set_input_root(struct store *store, int64_t id, int64_t root_id);
void store_build_set_cost(struct store *store, int64_t id, int64_t wall_ms, int64_t core_ms);
void store_build_set_bytes(struct store *store, int64_t id, int64_t output_bytes);
void store_build_set_pushed(struct store *store, int64_t id, int64_t bytes_pushed);

/* A failure that is remembered is so no longer: the build may be tried again when it is planned. */
void store_build_forget_failure(struct store *store, int64_t id, const char *reason);

/* Call `each` for the builds of `state`, oldest first, until it returns false. */
void store_builds_each(struct store *store, enum build_state state,
	bool (*each)(void *owner, int64_t id, int64_t not_before), void *owner);

/* What the schedule needs of every build that is not known to be good yet; needs first. */
struct build_load {
	int64_t id;
	enum build_state state;
	const char *system, *features, *package, *name, *caps;
	bool is_fetch;
	int64_t not_before;
};
void store_builds_load(struct store *store,
	void (*each)(void *owner, const struct build_load *build), void *owner);

/* Call `each` for at most `limit` builds of the package that have not started. */
void store_builds_waiting_of(struct store *store, const char *package, const char *system,
	int limit, void (*each)(void *owner, int64_t id, const char *name, const char *caps),
	void *owner);

/* Call `each` for at most `limit` builds in a state, by ascending ids behind `after_id`; strings
 * are borrowed. Returns how many. */
struct build_waiting {
	int64_t id;
	const char *package, *name, *caps, *system;
};
int store_builds_waiting_after(struct store *store, enum build_state state, int64_t after_id,
	int limit, void (*each)(void *owner, const struct build_waiting *build), void *owner);

void store_builds_count(struct store *store, int64_t counts[BUILD_STATES]);

/* A page of builds, newest first; as store_jobs_page(). `states`: a bit each; 0: all. */
int64_t store_builds_page(struct store *store, uint32_t states, int64_t before_id, int limit,
	void (*each)(void *owner, const struct build *build), void *owner);

#endif
