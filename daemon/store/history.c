#include "daemon/store/history.h"

#include <string.h>

#include "daemon/store/query.h"

enum {
	PAGE,
	PACKAGE_OF_ATTR,
	KNOWS,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[PAGE] = "SELECT h.id, a.build_id, h.drv_path, h.package, h.system, h.caps, h.machine, "
		 "h.builder, h.is_ride, h.started_at, h.wall_ms, h.core_ms, h.output_bytes, "
		 "h.outcome, h.attempt_id FROM history h JOIN attempts a ON a.id = h.attempt_id "
		 "WHERE h.package = ? AND h.system = ? AND h.id < ? ORDER BY h.id DESC LIMIT ?",
	/* The newest 100: of jobs that found everything in the cache nothing was built. */
	[PACKAGE_OF_ATTR] =
		("SELECT b.package FROM (SELECT id, build_id FROM jobs WHERE attr = ? ORDER BY id "
		 "DESC LIMIT 100) k JOIN builds b ON b.id = k.build_id ORDER BY k.id DESC LIMIT "
		 "1"),
	[KNOWS] = "SELECT 1 FROM history WHERE package = ? LIMIT 1",
};

static const struct statements statements = { SLOT_HISTORY, N_STATEMENTS, sql };
const struct statements *const store_history_statements = &statements;

static struct history_row row_of(struct query *q)
{
	return (struct history_row){
		.id = query_get_int(q, 0),
		.build_id = query_get_int(q, 1),
		.entry = {
			.drv_path = query_get_text(q, 2),
			.package = query_get_text(q, 3),
			.system = query_get_text(q, 4),
			.caps = query_get_text(q, 5),
			.machine = query_get_text(q, 6),
			.builder = query_get_text(q, 7),
			.is_ride = query_get_int(q, 8) != 0,
			.started_at = query_get_int(q, 9),
			.wall_ms = query_get_int(q, 10),
			.core_ms = query_get_int_or(q, 11, -1),
			.output_bytes = query_get_int_or(q, 12, -1),
			.outcome = query_get_text(q, 13),
			.attempt_id = query_get_int(q, 14),
		},
	};
}

int64_t store_history_page(struct store *store, const struct history_filter *filter,
	void (*each)(void *, const struct history_row *), void *owner)
{
	struct query q = query_begin(store, &statements, PAGE);
	int64_t last_id = 0;
	int n = 0, seen = 0;

	query_text(&q, filter->package);
	query_text(&q, filter->system);
	query_int(&q, filter->before_id > 0 ? filter->before_id : INT64_MAX);
	query_int(&q, filter->caps == NULL ? filter->limit + 1 : HISTORY_SCAN_MAX + 1);
	while (query_row(&q)) {
		struct history_row row = row_of(&q);

		if (n == filter->limit || seen++ == HISTORY_SCAN_MAX) {
			query_end(&q);
			return last_id;
		}
		last_id = row.id;
		if (filter->caps != NULL && strcmp(filter->caps, row.entry.caps) != 0)
			continue;
		each(owner, &row);
		n++;
	}
	query_end(&q);
	return 0;
}

char *store_package_of_attr(struct store *store, const char *attr)
{
	struct query q = query_begin(store, &statements, PACKAGE_OF_ATTR);
	char *package = NULL;

	query_text(&q, attr);
	if (query_row(&q))
		package = query_copy_text(&q, 0);
	query_end(&q);
	return package;
}

bool store_history_knows(struct store *store, const char *package)
{
	struct query q = query_begin(store, &statements, KNOWS);
	bool found;

	query_text(&q, package);
	found = query_row(&q);
	query_end(&q);
	return found;
}
