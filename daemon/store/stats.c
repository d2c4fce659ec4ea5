#include "daemon/store/stats.h"

#include "daemon/store/query.h"

enum {
	RUNS,
	JOBS,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[RUNS] = "SELECT h.package, h.system, h.caps, h.outcome, h.started_at, h.wall_ms, s.basis, "
		 "s.estimate_ms, s.estimate_p90_ms FROM (SELECT * FROM history ORDER BY id DESC "
		 "LIMIT ?) h LEFT JOIN starts s ON s.attempt_id = h.attempt_id AND h.is_ride = 0 "
		 "ORDER BY h.id DESC",
	[JOBS] = "SELECT c.caps, k.submitted_at, k.started_at, k.finished_at, k.chain_ms, "
		 "k.start_by, b.wall_ms FROM (SELECT * FROM jobs WHERE state = ? ORDER BY id DESC "
		 "LIMIT ?) k JOIN contexts c ON c.id = "
		 "coalesce(k.built_context_id, k.context_id) LEFT JOIN builds b ON b.id = "
		 "k.build_id",
};

static const struct statements statements = { SLOT_STATS, N_STATEMENTS, sql };
const struct statements *const store_stats_statements = &statements;

void store_stats_runs(
	struct store *store, int limit, void (*each)(void *, const struct stats_run *), void *owner)
{
	struct query q = query_begin(store, &statements, RUNS);

	query_int(&q, limit);
	while (query_row(&q)) {
		struct stats_run run = {
			.package = query_get_text(&q, 0),
			.system = query_get_text(&q, 1),
			.caps = query_get_text(&q, 2),
			.outcome = query_get_text(&q, 3),
			.started_at = query_get_int(&q, 4),
			.wall_ms = query_get_int(&q, 5),
			.basis = query_get_text(&q, 6),
			.estimate_ms = query_get_int(&q, 7),
			.estimate_p90_ms = query_get_int(&q, 8),
		};

		each(owner, &run);
	}
	query_end(&q);
}

void store_stats_jobs(struct store *store, enum job_state state, int limit,
	void (*each)(void *, const struct stats_job *), void *owner)
{
	struct query q = query_begin(store, &statements, JOBS);

	query_text(&q, job_state_name(state));
	query_int(&q, limit);
	while (query_row(&q)) {
		struct stats_job job = {
			.caps = query_get_text(&q, 0),
			.state = state,
			.submitted_at = query_get_int(&q, 1),
			.started_at = query_get_int(&q, 2),
			.finished_at = query_get_int(&q, 3),
			.chain_ms = query_get_int(&q, 4),
			.start_by = query_get_int(&q, 5),
			.wall_ms = query_get_int_or(&q, 6, -1),
		};

		each(owner, &job);
	}
	query_end(&q);
}
