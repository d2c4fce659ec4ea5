/* What happened: the history of jobs and builds, and what /events streams. */
#ifndef CAPQ_DAEMON_STORE_EVENT_H
#define CAPQ_DAEMON_STORE_EVENT_H

#include "daemon/store/store.h"

struct event_row {
	int64_t id; /* Given by the store. */
	int64_t at;
	const char *kind;   /* "job", "build", "batch", "daemon" */
	int64_t subject;    /* 0: none. */
	int64_t last, n;    /* Of a batch; 0 otherwise. */
	const char *before; /* NULL: it is new. */
	const char *after;
	const char *failure; /* Class, "" for none. */
	const char *reason;  /* NULL: none. */
};

/* Enter an event. Returns its id. */
int64_t store_event(struct store *store, const struct event_row *event);

/* Call `each` for at most `limit` events behind `after`, in order. Strings are borrowed. Returns
 * how many there were. */
int store_events_after(struct store *store, int64_t after, int limit,
	void (*each)(void *owner, const struct event_row *event), void *owner);

/* The oldest and newest id; 0 when there are none. */
void store_events_range(struct store *store, int64_t *out_oldest, int64_t *out_newest);

/* Delete at most `limit` events older than `before_ms`. Returns how many went. */
int64_t store_events_trim(struct store *store, int64_t before_ms, int limit);

#endif
