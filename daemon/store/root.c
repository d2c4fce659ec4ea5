#include "daemon/store/root.h"

#include <stdlib.h>

#include "daemon/store/query.h"
#include "lib/mem.h"

enum {
	INSERT,
	EXISTS,
	DELETE,
	KEEP,
	UNUSED,
	N_STATEMENTS,
};

#define LIVE_JOBS "('evaluating', 'planning', 'waiting', 'pushing', 'on_hold')"
#define LIVE_BUILDS "('blocked', 'ready', 'building')"

static const char *const sql[N_STATEMENTS] = {
	[INSERT] = "INSERT INTO roots (made_at) VALUES (?)",
	[EXISTS] = "SELECT 1 FROM roots WHERE id = ?",
	[DELETE] = "DELETE FROM roots WHERE id = ?",
	[KEEP] = "UPDATE roots SET is_kept = 1 WHERE id = ?",
	/* A push that failed for good keeps its outputs: `capq retry` must not have to build again.
	 */
	[UNUSED] =
		"SELECT r.id FROM roots r WHERE r.is_kept = 0 AND "
		"NOT EXISTS (SELECT 1 FROM jobs j WHERE j.root_id = r.id AND j.state IN " LIVE_JOBS
		") AND NOT EXISTS (SELECT 1 FROM builds b WHERE b.input_root = r.id AND b.state "
		"IN " LIVE_BUILDS
		") AND NOT EXISTS (SELECT 1 FROM builds b WHERE b.output_root = r.id "
		"AND (b.state NOT IN ('done', 'failed') OR b.failure = 'push' OR EXISTS (SELECT 1 "
		"FROM build_needs n JOIN builds d ON d.id = n.build_id WHERE n.need_id = b.id AND "
		"d.state IN " LIVE_BUILDS ")))",
};

static const struct statements statements = { SLOT_ROOT, N_STATEMENTS, sql };
const struct statements *const store_root_statements = &statements;

int64_t store_root_new(struct store *store, int64_t now_ms)
{
	struct query q = query_begin(store, &statements, INSERT);

	query_int(&q, now_ms);
	query_run(&q);
	return store_last_id(store);
}

bool store_root_exists(struct store *store, int64_t id)
{
	struct query q = query_begin(store, &statements, EXISTS);
	bool exists;

	query_int(&q, id);
	exists = query_row(&q);
	query_end(&q);
	return exists;
}

void store_root_delete(struct store *store, int64_t id)
{
	struct query q = query_begin(store, &statements, DELETE);

	query_int(&q, id);
	query_run(&q);
}

void store_root_keep(struct store *store, int64_t id)
{
	struct query q = query_begin(store, &statements, KEEP);

	query_int(&q, id);
	query_run(&q);
}

void store_roots_unused(struct store *store, void (*each)(void *, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, UNUSED);
	cleanup_free int64_t *ids = NULL;
	size_t n = 0, capacity = 0;

	while (query_row(&q)) {
		array_reserve(&ids, &capacity, n + 1, sizeof *ids);
		ids[n++] = query_get_int(&q, 0);
	}
	query_end(&q);
	for (size_t i = 0; i < n; i++)
		each(owner, ids[i]);
}
