/* A stream of server-sent events that outlives its connection.
 *
 * When capqd goes away (a restart, an upgrade, a broken network), the source tries once a second to
 * get it back, for a bounded time, and resumes behind the last event it saw. Whoever reads is told
 * of both, because what happened in between may be gone: then what matters must be asked anew. */
#ifndef CAPQ_CLIENT_EVENT_SOURCE_H
#define CAPQ_CLIENT_EVENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/api.h"
#include "client/sse.h"

#define EVENT_SOURCE_PATIENCE_MS 120000 /* Unless somebody says otherwise. */

/*   NEW ── connected ──► OPEN ── broke off ──► AWAY ── connected ──► OPEN
 *                         └── suspected ──► SUSPECTED ── told ──► AWAY */
enum source_state { SOURCE_IS_NEW, SOURCE_IS_OPEN, SOURCE_IS_SUSPECTED, SOURCE_IS_AWAY };

struct event_source {
	struct api *api;
	const char *path;    /* "/events" */
	bool resumes;        /* Sends Last-Event-ID. */
	int64_t patience_ms; /* How long a capqd that went away is waited for. */

	enum source_state state;
	struct stream_request request;
	char header[SSE_ID_MAX + 32];
	struct stream *stream; /* While it is open. */
	struct sse sse;
	int64_t away_since_ms; /* Monotonic; 0: all is well. */
	int64_t next_try_ms;   /* Monotonic. */
	struct err why;        /* It went away. */
};

enum source_result {
	SOURCE_EVENT,     /* `*out` is set, borrowed until the next call. */
	SOURCE_QUIET,     /* Nothing within the time. */
	SOURCE_CONNECTED, /* For the first time, or again. */
	SOURCE_LOST,      /* `why` says why; it tries again from now on. */
};

/* Nothing is sent yet. The path is borrowed. */
void event_source_init(struct event_source *source, struct api *api, const char *path, bool resumes,
	int64_t patience_ms);

/* What comes next, within `timeout_ms` (connecting may take longer). Returns an enum source_result;
 * CAPQ_EBUSY when capqd could not be reached at all, or did not come back in time; or what the
 * answer's status means. */
int event_source_next(
	struct event_source *source, int64_t timeout_ms, struct sse_event *out, struct err *err);

/* Another request has found out that capqd is gone: the next result is SOURCE_LOST. */
void event_source_suspect(struct event_source *source, const struct err *why);

/* It works again, and not only for as long as connecting takes: patience begins anew. */
void event_source_confirm(struct event_source *source);

void event_source_finish(struct event_source *source);

#endif
