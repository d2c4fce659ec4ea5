#include "client/event_source.h"

#include <poll.h>
#include <stdio.h>

#include "client/now.h"
#include "lib/time_text.h"

#define RETRY_MS 1000
#define SILENCE_MS 45000 /* capqd sends a comment every 15 seconds. */

void event_source_init(struct event_source *source, struct api *api, const char *path, bool resumes,
	int64_t patience_ms)
{
	*source = (struct event_source){
		.api = api,
		.path = path,
		.resumes = resumes,
		.patience_ms = patience_ms,
	};
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int connect_now(struct event_source *source, struct err *err)
{
	source->request = (struct stream_request){
		.method = "GET", .path = source->path, .silence_ms = SILENCE_MS
	};
	if (source->resumes && source->sse.id[0] != '\0') {
		(void)snprintf(
			source->header, sizeof source->header, "Last-Event-ID: %s", source->sse.id);
		source->request.header = source->header;
	}
	sse_restart(&source->sse);
	return api_open(source->api, &source->request, &source->stream, err);
}

static int give_up(const struct event_source *source, struct err *err)
{
	char patience[TIME_TEXT_MAX];

	duration_to_text(source->patience_ms, patience);
	return err_wrap(err, "capqd went away and did not come back within %s", patience);
}

/* Not connected: try when it is time. Only a connection that once was there is worth patience. */
static int try_to_connect(struct event_source *source, int64_t timeout_ms, struct err *err)
{
	int64_t now = monotonic_ms(), wait_ms = source->next_try_ms - now;
	int rv;

	if (wait_ms > 0) {
		(void)poll(NULL, 0, (int)least(wait_ms, timeout_ms));
		if (wait_ms > timeout_ms)
			return SOURCE_QUIET;
	}
	rv = connect_now(source, err);
	if (rv == 0) {
		source->state = SOURCE_IS_OPEN;
		return SOURCE_CONNECTED;
	}
	if (rv != CAPQ_EBUSY || source->state == SOURCE_IS_NEW)
		return rv;
	if (monotonic_ms() - source->away_since_ms >= source->patience_ms)
		return give_up(source, err);
	source->next_try_ms = monotonic_ms() + RETRY_MS;
	return SOURCE_QUIET;
}

/* What is away for too long, be it with connections in between, is given up. */
static int lose(struct event_source *source, struct err *err)
{
	int64_t now = monotonic_ms();

	stream_close(source->stream);
	source->stream = NULL;
	source->state = SOURCE_IS_AWAY;
	if (source->away_since_ms == 0)
		source->away_since_ms = now;
	if (now - source->away_since_ms >= source->patience_ms) {
		*err = source->why;
		return give_up(source, err);
	}
	source->next_try_ms = now + RETRY_MS;
	return SOURCE_LOST;
}

/* Read from the connection until a whole event is there. */
static int read_event(
	struct event_source *source, int64_t timeout_ms, struct sse_event *out, struct err *err)
{
	int64_t until_ms = monotonic_ms() + timeout_ms;

	while (!sse_next(&source->sse, out)) {
		int64_t left_ms = until_ms - monotonic_ms();
		const char *bytes;
		size_t len;
		int rv = stream_read(
			source->stream, left_ms > 0 ? (int)left_ms : 0, &bytes, &len, &source->why);

		if (rv == STREAM_QUIET)
			return SOURCE_QUIET;
		if (rv == STREAM_ENDED)
			(void)err_set(&source->why, CAPQ_EBUSY, "capqd ended the connection");
		if (rv != STREAM_BYTES)
			return lose(source, err);
		rv = sse_feed(&source->sse, bytes, len, err);
		if (rv < 0)
			return rv;
	}
	return SOURCE_EVENT;
}

int event_source_next(
	struct event_source *source, int64_t timeout_ms, struct sse_event *out, struct err *err)
{
	switch (source->state) {
	case SOURCE_IS_OPEN:
		return read_event(source, timeout_ms, out, err);
	case SOURCE_IS_SUSPECTED:
		return lose(source, err);
	case SOURCE_IS_NEW:
	case SOURCE_IS_AWAY:
		break;
	}
	return try_to_connect(source, timeout_ms, err);
}

void event_source_suspect(struct event_source *source, const struct err *why)
{
	source->why = *why;
	if (source->state == SOURCE_IS_OPEN)
		source->state = SOURCE_IS_SUSPECTED;
}

void event_source_confirm(struct event_source *source)
{
	source->away_since_ms = 0;
}

void event_source_finish(struct event_source *source)
{
	stream_close(source->stream);
	sse_finish(&source->sse);
	*source = (struct event_source){ 0 };
}
