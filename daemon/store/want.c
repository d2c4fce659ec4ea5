#include "daemon/store/want.h"

#include "daemon/store/query.h"

enum {
	OF_BUILD,
	ALL,
	PUSH_RANKS,
	PROMISE,
	SET_USAGE,
	USAGE,
	N_STATEMENTS,
};

#define LIVE "('evaluating', 'planning', 'waiting', 'pushing', 'on_hold')"
#define WANTS                                                                                                             \
	"SELECT j.id, j.build_id, j.state = 'on_hold', j.priority, j.bumped_at, j.submitted_at, "                         \
	"j.since_at, j.start_by, j.cost_ms, j.chain_ms, j.rev_from, c.caps, j.submitter, j.is_leftover FROM jobs j JOIN " \
	"contexts c ON c.id = coalesce(j.built_context_id, j.context_id) WHERE +j.state IN " LIVE                         \
	" AND "

static const char *const sql[N_STATEMENTS] = {
	[OF_BUILD] = WANTS "j.build_id = ? ORDER BY j.id",
	[ALL] = WANTS "j.build_id IS NOT NULL ORDER BY j.build_id, j.id",
	[PUSH_RANKS] =
		"SELECT b.id, coalesce(max(j.bumped_at), 0) AS bumped, coalesce(max(j.priority), -1001) "
		"AS priority FROM builds b LEFT JOIN jobs j ON j.build_id = b.id AND +j.state IN " LIVE
		" AND j.state <> 'on_hold' WHERE b.state = 'pushing' AND b.not_before <= ? GROUP BY b.id "
		"ORDER BY bumped DESC, priority DESC, b.id",
	[PROMISE] =
		"UPDATE jobs SET since_at = ?2, start_by = ?3, cost_ms = ?4, chain_ms = ?5 WHERE build_id = "
		"?1 AND start_by = 0 AND state IN " LIVE,
	[SET_USAGE] = ("INSERT INTO usage (submitter, used_ms, at) VALUES (?, ?, ?) ON CONFLICT "
		       "(submitter) DO UPDATE SET used_ms = excluded.used_ms, at = excluded.at"),
	[USAGE] = "SELECT submitter, used_ms, at FROM usage",
};

static const struct statements statements = { SLOT_WANT, N_STATEMENTS, sql };
const struct statements *const store_want_statements = &statements;

static void each_row(struct query *q, void (*each)(void *, const struct job_want *), void *owner)
{
	while (query_row(q)) {
		struct job_want want = {
			.job_id = query_get_int(q, 0),
			.build_id = query_get_int(q, 1),
			.is_held = query_get_int(q, 2) != 0,
			.priority = (int)query_get_int(q, 3),
			.bumped_at = query_get_int(q, 4),
			.submitted_at = query_get_int(q, 5),
			.promise = { .since_at = query_get_int(q, 6),
				.start_by = query_get_int(q, 7),
				.cost_ms = query_get_int(q, 8),
				.chain_ms = query_get_int(q, 9) },
			.rev_from = query_get_text(q, 10),
			.caps = query_get_text(q, 11),
			.submitter = query_get_text(q, 12),
			.is_leftover = query_get_int(q, 13) != 0,
		};

		each(owner, &want);
	}
	query_end(q);
}

void store_push_ranks(struct store *store, int64_t now_ms,
	bool (*each)(void *, const struct push_rank *), void *owner)
{
	struct query q = query_begin(store, &statements, PUSH_RANKS);
	bool more = true;

	query_int(&q, now_ms);
	while (more && query_row(&q)) {
		struct push_rank rank = {
			.build_id = query_get_int(&q, 0),
			.bumped_at = query_get_int(&q, 1),
			.priority = (int)query_get_int(&q, 2),
		};

		more = each(owner, &rank);
	}
	query_end(&q);
}

void store_wants_of(struct store *store, int64_t build_id,
	void (*each)(void *, const struct job_want *), void *owner)
{
	struct query q = query_begin(store, &statements, OF_BUILD);

	query_int(&q, build_id);
	each_row(&q, each, owner);
}

void store_wants_each(
	struct store *store, void (*each)(void *, const struct job_want *), void *owner)
{
	struct query q = query_begin(store, &statements, ALL);

	each_row(&q, each, owner);
}

void store_promise(struct store *store, int64_t build_id, const struct promise *promise)
{
	struct query q = query_begin(store, &statements, PROMISE);

	query_int(&q, build_id);
	query_int(&q, promise->since_at);
	query_int(&q, promise->start_by);
	query_int(&q, promise->cost_ms);
	query_int(&q, promise->chain_ms);
	query_run(&q);
}

void store_usage_set(struct store *store, const char *submitter, double used_ms, int64_t at)
{
	struct query q = query_begin(store, &statements, SET_USAGE);

	query_text(&q, submitter);
	query_real(&q, used_ms);
	query_int(&q, at);
	query_run(&q);
}

void store_usage_each(
	struct store *store, void (*each)(void *, const char *, double, int64_t), void *owner)
{
	struct query q = query_begin(store, &statements, USAGE);

	while (query_row(&q))
		each(owner, query_get_text(&q, 0), query_get_real(&q, 1), query_get_int(&q, 2));
	query_end(&q);
}
