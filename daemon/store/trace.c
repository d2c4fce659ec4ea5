#include "daemon/store/trace.h"

#include "daemon/store/query.h"

enum {
	BUILDS,
	NEEDS,
	JOBS,
	TEXTS,
	NEEDS_OF,
	PAST,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[BUILDS] = "SELECT id, created_at, is_fetch, wall_ms FROM builds ORDER BY id",
	[NEEDS] = "SELECT build_id, need_id FROM build_needs ORDER BY build_id",
	[JOBS] = "SELECT id, build_id, submitted_at, priority FROM jobs NOT INDEXED WHERE build_id "
		 "IS NOT NULL ORDER BY id",
	[TEXTS] = "SELECT b.package, ifnull(c.caps, b.caps), ifnull(r.hash, ''), "
		  "ifnull(j.rev_from, ''), ifnull(j.submitter, ''), ifnull(b.builder, '') "
		  "FROM builds b LEFT JOIN jobs j ON j.id = ? LEFT JOIN contexts c ON c.id = "
		  "coalesce(j.built_context_id, j.context_id) LEFT JOIN revisions r ON "
		  "r.id = c.revision_id WHERE b.id = ?",
	[NEEDS_OF] = "SELECT need_id FROM build_needs WHERE build_id = ? ORDER BY need_id",
	[PAST] =
		"SELECT id, started_at, wall_ms, package, caps, builder, outcome FROM history WHERE id > ? "
		"ORDER BY id LIMIT ?",
};

static const struct statements statements = { SLOT_TRACE, N_STATEMENTS, sql };
const struct statements *const store_trace_statements = &statements;

void store_trace_builds(
	struct store *store, void (*each)(void *, int64_t, int64_t, bool, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, BUILDS);

	while (query_row(&q))
		each(owner, query_get_int(&q, 0), query_get_int(&q, 1), query_get_int(&q, 2) != 0,
			query_get_int_or(&q, 3, -1));
	query_end(&q);
}

void store_trace_needs(struct store *store, void (*each)(void *, int64_t, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, NEEDS);

	while (query_row(&q))
		each(owner, query_get_int(&q, 0), query_get_int(&q, 1));
	query_end(&q);
}

void store_trace_jobs(
	struct store *store, void (*each)(void *, int64_t, int64_t, int64_t, int), void *owner)
{
	struct query q = query_begin(store, &statements, JOBS);

	while (query_row(&q))
		each(owner, query_get_int(&q, 0), query_get_int(&q, 1), query_get_int(&q, 2),
			(int)query_get_int(&q, 3));
	query_end(&q);
}

bool store_trace_texts(struct store *store, int64_t build_id, int64_t job_id,
	void (*use)(void *, const struct trace_texts *), void *owner)
{
	struct query q = query_begin(store, &statements, TEXTS);
	bool found;

	query_int(&q, job_id);
	query_int(&q, build_id);
	found = query_row(&q);
	if (found) {
		struct trace_texts texts = {
			.package = query_get_text(&q, 0),
			.caps = query_get_text(&q, 1),
			.rev = query_get_text(&q, 2),
			.rev_from = query_get_text(&q, 3),
			.submitter = query_get_text(&q, 4),
			.builder = query_get_text(&q, 5),
		};

		use(owner, &texts);
	}
	query_end(&q);
	return found;
}

void store_trace_needs_of(
	struct store *store, int64_t build_id, void (*each)(void *, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, NEEDS_OF);

	query_int(&q, build_id);
	while (query_row(&q))
		each(owner, query_get_int(&q, 0));
	query_end(&q);
}

int store_trace_past(struct store *store, int64_t after, int limit,
	void (*each)(void *, const struct trace_past *), void *owner)
{
	struct query q = query_begin(store, &statements, PAST);
	int n = 0;

	query_int(&q, after);
	query_int(&q, limit);
	for (; query_row(&q); n++) {
		struct trace_past past = {
			.id = query_get_int(&q, 0),
			.started_at = query_get_int(&q, 1),
			.wall_ms = query_get_int(&q, 2),
			.package = query_get_text(&q, 3),
			.caps = query_get_text(&q, 4),
			.builder = query_get_text(&q, 5),
			.outcome = query_get_text(&q, 6),
		};

		each(owner, &past);
	}
	query_end(&q);
	return n;
}
