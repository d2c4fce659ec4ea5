#include "daemon/store/build.h"

#include <string.h>

#include "daemon/store/query.h"
#include "lib/mem.h"

/* In the order that row_to_build() reads. */
#define COLUMNS                                                                                    \
	"b.id, b.drv_path, b.name, b.system, b.features, b.outputs, b.is_fetch, b.is_trusted, "    \
	"b.state, b.failure, b.reason, b.builder, b.attempts, b.tries, b.not_before, "             \
	"b.created_at, b.ready_at, b.started_at, b.finished_at, b.wall_ms, b.core_ms, "            \
	"b.bytes_pushed, b.output_bytes"

/* The newest builds of one state; see NEWEST in job.c. */
#define NEWEST(bit, name)                                                                          \
	"SELECT id FROM (SELECT id FROM builds WHERE ?2 & " bit " AND state = '" name              \
	"' AND id < ?1 ORDER BY id DESC LIMIT ?3)"

enum {
	INSERT,
	FIND,
	GET,
	GET_PACKAGE,
	GET_CAPS,
	GET_OUTPUT_ROOT,
	IS_TARGET,
	CHANGE,
	SET_READY_AT,
	SET_FINISHED_AT,
	TRUST,
	SET_ATTEMPT,
	SET_OUTPUT_ROOT,
	SET_INPUT_ROOT,
	SET_COST,
	SET_BYTES,
	SET_PUSHED,
	FORGET_FAILURE,
	EACH,
	LOAD,
	WAITING_OF,
	WAITING_AFTER,
	COUNT,
	PAGE,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[INSERT] =
		"INSERT INTO builds (drv_path, name, package, system, features, outputs, caps, "
		"is_fetch, is_trusted, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[FIND] = "SELECT id, state, failure, is_trusted, finished_at FROM builds "
		 "WHERE drv_path = ?",
	[GET] = "SELECT " COLUMNS " FROM builds b WHERE b.id = ?",
	[GET_PACKAGE] = "SELECT package FROM builds WHERE id = ?",
	[GET_CAPS] = "SELECT caps FROM builds WHERE id = ?",
	[CHANGE] =
		"UPDATE builds SET state = ?, failure = ?, reason = ?, tries = ?, not_before = ? "
		"WHERE id = ?",
	[SET_READY_AT] = "UPDATE builds SET ready_at = ?, finished_at = 0 WHERE id = ?",
	[SET_FINISHED_AT] = "UPDATE builds SET finished_at = ? WHERE id = ?",
	[TRUST] = "UPDATE builds SET is_trusted = 1 WHERE id = ?",
	[GET_OUTPUT_ROOT] = "SELECT output_root FROM builds WHERE id = ?",
	[IS_TARGET] = "SELECT 1 FROM jobs WHERE build_id = ? LIMIT 1",
	[SET_ATTEMPT] =
		"UPDATE builds SET attempts = ?, builder = ?, output_root = ?, started_at = ? "
		"WHERE id = ?",
	[SET_OUTPUT_ROOT] = "UPDATE builds SET output_root = ? WHERE id = ?",
	[SET_INPUT_ROOT] = "UPDATE builds SET input_root = ? WHERE id = ?",
	[SET_COST] = "UPDATE builds SET wall_ms = ?, core_ms = ? WHERE id = ?",
	[SET_BYTES] = "UPDATE builds SET output_bytes = ? WHERE id = ?",
	[SET_PUSHED] = "UPDATE builds SET bytes_pushed = ? WHERE id = ?",
	[FORGET_FAILURE] = "UPDATE builds SET failure = 'cancelled', reason = ?, tries = 0 WHERE "
			   "id = ?",
	[EACH] = "SELECT id, not_before FROM builds WHERE state = ? ORDER BY id",
	[WAITING_AFTER] = "SELECT id, package, name, caps, system FROM builds WHERE state = ? AND "
			  "id > ? ORDER BY id LIMIT ?",
	[WAITING_OF] = "SELECT id, name, caps FROM builds WHERE package = ? AND system = ? AND "
		       "state IN ('blocked', 'ready') LIMIT ?",
	[LOAD] =
		"SELECT id, state, system, features, package, is_fetch, not_before, name, caps FROM builds "
		"WHERE state IN ('blocked', 'ready', 'building', 'verifying') ORDER BY id",
	[COUNT] = "SELECT state, count(*) FROM builds GROUP BY state",
	[PAGE] = "SELECT " COLUMNS " FROM (SELECT id FROM (" NEWEST(
		"1", "blocked") " UNION ALL " NEWEST("2", "ready") " UNION ALL " NEWEST("4",
		"building") " UNION ALL " NEWEST("8", "verifying") " UNION ALL " NEWEST("16",
		"pushing") " UNION ALL " NEWEST("32", "done") " UNION ALL " NEWEST("64",
		"failed") ") ORDER BY id DESC LIMIT ?3) k JOIN builds b ON b.id = k.id ORDER BY k.id DESC",
};

static const struct statements statements = { SLOT_BUILD, N_STATEMENTS, sql };
const struct statements *const store_build_statements = &statements;

_Static_assert(BUILD_FAILED == 6 && BUILD_STATES == 7, "PAGE has a bit for each state");

static enum build_state state_of(const char *name)
{
	enum build_state state = BUILD_BLOCKED;

	(void)build_state_from_name(name, &state); /* The schema's CHECK lists the same names. */
	return state;
}

int64_t store_build_enter(struct store *store, const struct build_entry *e)
{
	struct query q = query_begin(store, &statements, INSERT);

	query_text(&q, e->drv_path);
	query_text(&q, e->name);
	query_text(&q, e->package);
	query_text(&q, e->system);
	query_text(&q, e->features);
	query_text(&q, e->outputs);
	query_text(&q, e->caps);
	query_int(&q, e->is_fetch);
	query_int(&q, e->is_trusted);
	query_text(&q, build_state_name(e->state));
	query_int(&q, e->now_ms);
	query_run(&q);
	return store_last_id(store);
}

bool store_build_find(struct store *store, const char *drv_path, struct build_key *out)
{
	struct query q = query_begin(store, &statements, FIND);
	bool found;

	query_text(&q, drv_path);
	found = query_row(&q);
	if (found) {
		out->id = query_get_int(&q, 0);
		out->state = state_of(query_get_text(&q, 1));
		(void)failure_from_name(query_get_text(&q, 2), &out->failure);
		out->is_trusted = query_get_int(&q, 3) != 0;
		out->finished_at = query_get_int(&q, 4);
	}
	query_end(&q);
	return found;
}

static void row_to_build(struct query *q, struct build *b)
{
	memset(b, 0, sizeof *b);
	b->id = query_get_int(q, 0);
	b->drv_path = query_copy_text(q, 1);
	b->name = query_copy_text(q, 2);
	b->system = query_copy_text(q, 3);
	b->features = query_copy_text(q, 4);
	b->outputs = query_copy_text(q, 5);
	b->is_fetch = query_get_int(q, 6) != 0;
	b->is_trusted = query_get_int(q, 7) != 0;
	b->state = state_of(query_get_text(q, 8));
	(void)failure_from_name(query_get_text(q, 9), &b->failure);
	b->reason = query_copy_text(q, 10);
	b->builder = query_copy_text(q, 11);
	b->attempts = (int)query_get_int(q, 12);
	b->tries = (int)query_get_int(q, 13);
	b->not_before = query_get_int(q, 14);
	b->created_at = query_get_int(q, 15);
	b->ready_at = query_get_int(q, 16);
	b->started_at = query_get_int(q, 17);
	b->finished_at = query_get_int(q, 18);
	b->wall_ms = query_get_int_or(q, 19, -1);
	b->core_ms = query_get_int_or(q, 20, -1);
	b->bytes_pushed = query_get_int_or(q, 21, -1);
	b->output_bytes = query_get_int_or(q, 22, -1);
}

bool store_build_get(struct store *store, int64_t id, struct build *out)
{
	struct query q = query_begin(store, &statements, GET);
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found)
		row_to_build(&q, out);
	query_end(&q);
	return found;
}

static char *one_text(struct store *store, int which, int64_t id)
{
	struct query q = query_begin(store, &statements, which);
	char *text = NULL;

	query_int(&q, id);
	if (query_row(&q))
		text = query_copy_text(&q, 0);
	query_end(&q);
	return text == NULL ? xstrdup("") : text;
}

char *store_build_package(struct store *store, int64_t id)
{
	return one_text(store, GET_PACKAGE, id);
}

char *store_build_caps(struct store *store, int64_t id)
{
	return one_text(store, GET_CAPS, id);
}

static int64_t one_int(struct store *store, int which, int64_t id)
{
	struct query q = query_begin(store, &statements, which);
	int64_t value = 0;

	query_int(&q, id);
	if (query_row(&q))
		value = query_get_int(&q, 0);
	query_end(&q);
	return value;
}

int64_t store_build_output_root(struct store *store, int64_t id)
{
	return one_int(store, GET_OUTPUT_ROOT, id);
}

bool store_build_is_target(struct store *store, int64_t id)
{
	return one_int(store, IS_TARGET, id) != 0;
}

static void set_int(struct store *store, int which, int64_t id, int64_t value, int64_t null_value)
{
	struct query q = query_begin(store, &statements, which);

	query_int_or_null(&q, value, null_value);
	query_int(&q, id);
	query_run(&q);
}

void store_build_change(struct store *store, int64_t id, const struct build_change *change)
{
	struct query q = query_begin(store, &statements, CHANGE);

	query_text(&q, build_state_name(change->state));
	query_text(&q, failure_name(change->failure));
	query_text(&q, change->reason);
	query_int(&q, change->tries);
	query_int(&q, change->not_before);
	query_int(&q, id);
	query_run(&q);
	if (change->state == BUILD_READY)
		set_int(store, SET_READY_AT, id, change->now_ms, -1);
	if (build_state_is_final(change->state))
		set_int(store, SET_FINISHED_AT, id, change->now_ms, -1);
}

void store_build_trust(struct store *store, int64_t id)
{
	struct query q = query_begin(store, &statements, TRUST);

	query_int(&q, id);
	query_run(&q);
}

void store_build_set_attempt(struct store *store, int64_t id, int number, const char *builder,
	int64_t output_root, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, SET_ATTEMPT);

	query_int(&q, number);
	query_text(&q, builder);
	query_int(&q, output_root);
	query_int(&q, now_ms);
	query_int(&q, id);
	query_run(&q);
}

void store_build_set_output_root(struct store *store, int64_t id, int64_t root_id)
{
	set_int(store, SET_OUTPUT_ROOT, id, root_id, 0);
}

void store_build_set_input_root(struct store *store, int64_t id, int64_t root_id)
{
	set_int(store, SET_INPUT_ROOT, id, root_id, 0);
}

void store_build_set_cost(struct store *store, int64_t id, int64_t wall_ms, int64_t core_ms)
{
	struct query q = query_begin(store, &statements, SET_COST);

	query_int_or_null(&q, wall_ms, -1);
	query_int_or_null(&q, core_ms, -1);
	query_int(&q, id);
	query_run(&q);
}

void store_build_set_bytes(struct store *store, int64_t id, int64_t output_bytes)
{
	set_int(store, SET_BYTES, id, output_bytes, -1);
}

void store_build_set_pushed(struct store *store, int64_t id, int64_t bytes_pushed)
{
	set_int(store, SET_PUSHED, id, bytes_pushed, -1);
}

void store_build_forget_failure(struct store *store, int64_t id, const char *reason)
{
	struct query q = query_begin(store, &statements, FORGET_FAILURE);

	query_text(&q, reason);
	query_int(&q, id);
	query_run(&q);
}

void store_builds_each(struct store *store, enum build_state state,
	bool (*each)(void *, int64_t, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, EACH);
	bool more = true;

	query_text(&q, build_state_name(state));
	while (more && query_row(&q))
		more = each(owner, query_get_int(&q, 0), query_get_int(&q, 1));
	query_end(&q);
}

void store_builds_load(
	struct store *store, void (*each)(void *, const struct build_load *), void *owner)
{
	struct query q = query_begin(store, &statements, LOAD);

	while (query_row(&q)) {
		struct build_load build = {
			.id = query_get_int(&q, 0),
			.state = state_of(query_get_text(&q, 1)),
			.system = query_get_text(&q, 2),
			.features = query_get_text(&q, 3),
			.package = query_get_text(&q, 4),
			.is_fetch = query_get_int(&q, 5) != 0,
			.not_before = query_get_int(&q, 6),
			.name = query_get_text(&q, 7),
			.caps = query_get_text(&q, 8),
		};

		each(owner, &build);
	}
	query_end(&q);
}

void store_builds_waiting_of(struct store *store, const char *package, const char *system,
	int limit, void (*each)(void *, int64_t, const char *, const char *), void *owner)
{
	struct query q = query_begin(store, &statements, WAITING_OF);

	query_text(&q, package);
	query_text(&q, system);
	query_int(&q, limit);
	while (query_row(&q))
		each(owner, query_get_int(&q, 0), query_get_text(&q, 1), query_get_text(&q, 2));
	query_end(&q);
}

int store_builds_waiting_after(struct store *store, enum build_state state, int64_t after_id,
	int limit, void (*each)(void *, const struct build_waiting *), void *owner)
{
	struct query q = query_begin(store, &statements, WAITING_AFTER);
	int n = 0;

	query_text(&q, build_state_name(state));
	query_int(&q, after_id);
	query_int(&q, limit);
	for (; query_row(&q); n++) {
		struct build_waiting build = {
			.id = query_get_int(&q, 0),
			.package = query_get_text(&q, 1),
			.name = query_get_text(&q, 2),
			.caps = query_get_text(&q, 3),
			.system = query_get_text(&q, 4),
		};

		each(owner, &build);
	}
	query_end(&q);
	return n;
}

void store_builds_count(struct store *store, int64_t counts[BUILD_STATES])
{
	struct query q = query_begin(store, &statements, COUNT);

	memset(counts, 0, BUILD_STATES * sizeof counts[0]);
	while (query_row(&q))
		counts[state_of(query_get_text(&q, 0))] = query_get_int(&q, 1);
	query_end(&q);
}

int64_t store_builds_page(struct store *store, uint32_t states, int64_t before_id, int limit,
	void (*each)(void *, const struct build *), void *owner)
{
	struct query q = query_begin(store, &statements, PAGE);
	int64_t last_id = 0;
	int n = 0;

	query_int(&q, before_id > 0 ? before_id : INT64_MAX);
	query_int(&q, states != 0 ? states : (1 << BUILD_STATES) - 1);
	query_int(&q, limit + 1);
	while (query_row(&q)) {
		struct build build;

		if (n++ == limit) {
			query_end(&q);
			return last_id;
		}
		row_to_build(&q, &build);
		last_id = build.id;
		each(owner, &build);
		build_finish(&build);
	}
	query_end(&q);
	return 0;
}
