#include "daemon/store/event.h"

#include "daemon/store/query.h"

enum {
	INSERT,
	AFTER,
	OLDEST,
	NEWEST,
	TRIM,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[INSERT] =
		"INSERT INTO events (at, kind, subject, last, n, before, after, failure, reason) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[AFTER] =
		"SELECT id, at, kind, subject, last, n, before, after, failure, reason FROM events "
		"WHERE id > ? ORDER BY id LIMIT ?",
	[OLDEST] = "SELECT min(id) FROM events",
	[NEWEST] = "SELECT max(id) FROM events",
	/* Ids grow with time, so the oldest are in front: an index of `at` would be one more page
	 * to write for each event. */
	[TRIM] = "DELETE FROM events WHERE at < ? AND id < (SELECT min(id) FROM events) + ?",
};

static const struct statements statements = { SLOT_EVENT, N_STATEMENTS, sql };
const struct statements *const store_event_statements = &statements;

int64_t store_event(struct store *store, const struct event_row *event)
{
	struct query q = query_begin(store, &statements, INSERT);

	query_int(&q, event->at);
	query_text(&q, event->kind);
	query_int_or_null(&q, event->subject, 0);
	query_int_or_null(&q, event->last, 0);
	query_int_or_null(&q, event->n, 0);
	query_text(&q, event->before);
	query_text(&q, event->after);
	query_text(&q, event->failure);
	query_text(&q, event->reason);
	query_run(&q);
	return store_last_id(store);
}

int store_events_after(struct store *store, int64_t after, int limit,
	void (*each)(void *, const struct event_row *), void *owner)
{
	struct query q = query_begin(store, &statements, AFTER);
	int n = 0;

	query_int(&q, after);
	query_int(&q, limit);
	for (; query_row(&q); n++) {
		struct event_row event = {
			.id = query_get_int(&q, 0),
			.at = query_get_int(&q, 1),
			.kind = query_get_text(&q, 2),
			.subject = query_get_int(&q, 3),
			.last = query_get_int(&q, 4),
			.n = query_get_int(&q, 5),
			.before = query_get_text(&q, 6),
			.after = query_get_text(&q, 7),
			.failure = query_get_text(&q, 8),
			.reason = query_get_text(&q, 9),
		};

		each(owner, &event);
	}
	query_end(&q);
	return n;
}

static int64_t one_int(struct store *store, int which)
{
	struct query q = query_begin(store, &statements, which);
	int64_t value = query_row(&q) ? query_get_int(&q, 0) : 0;

	query_end(&q);
	return value;
}

void store_events_range(struct store *store, int64_t *out_oldest, int64_t *out_newest)
{
	*out_oldest = one_int(store, OLDEST);
	*out_newest = one_int(store, NEWEST);
}

int64_t store_events_trim(struct store *store, int64_t before_ms, int limit)
{
	struct query q = query_begin(store, &statements, TRIM);

	query_int(&q, before_ms);
	query_int(&q, limit);
	query_run(&q);
	return store_changes(store);
}
