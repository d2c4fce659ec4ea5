/* GET /events: what happens, as server-sent events. A stream is a place in the table of events,
 * from which it reads whenever it has sent what it had; so a slow client costs a few kilobytes, and
 * one that was cut off goes on where it was. */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/api/method.h"
#include "daemon/api/render.h"
#include "daemon/api/sse.h"
#include "daemon/store/build.h"
#include "daemon/store/event.h"
#include "io/clock.h"
#include "lib/mem.h"

#define EVENTS_AT_ONCE 100
#define HEARTBEAT_MS 15000
#define PROGRESS_MS 1000

struct events {
	struct pipeline *p;
	int64_t after; /* The last event that was put into `text`. */
	struct str text;
	int64_t sent_ms, progress_ms; /* Monotonic. */
};

static void add_batch(const struct event_row *e, struct json_out *out)
{
	json_out_int(out, "first", e->subject);
	json_out_int(out, "last", e->last);
	json_out_int(out, "jobs", e->n);
	json_out_time(out, "at", e->at);
}

static void add_change(const struct event_row *e, struct json_out *out)
{
	json_out_int(out, "id", e->id);
	json_out_time(out, "at", e->at);
	json_out_int(out, "subject", e->subject);
	json_out_text(out, "from", e->before);
	json_out_text(out, "to", e->after);
	json_out_text(out, "reason", e->reason);
	json_out_text(out, "failure_class", e->failure[0] == '\0' ? NULL : e->failure);
}

static void add_event(void *owner, const struct event_row *e)
{
	struct events *s = owner;
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	if (e->kind[0] == 'b' && e->kind[1] == 'a') {
		add_batch(e, &out);
	} else if (e->kind[0] == 'd') {
		json_out_text(&out, "what", e->after);
		json_out_time(&out, "at", e->at);
	} else {
		add_change(e, &out);
	}
	json_out_end_object(&out);
	sse_add(&s->text, e->kind, e->id, str_text(&out.text));
	str_free(&out.text);
	s->after = e->id;
}

static void add_progress(void *owner, int64_t build_id, const struct build_progress *progress)
{
	struct events *s = owner;
	struct json_out out = { 0 };
	struct build build;

	(void)progress;
	if (!store_build_get(pipeline_store(s->p), build_id, &build))
		return;
	render_progress(s->p, build_id, build.name, &out, NULL);
	sse_add(&s->text, "progress", -1, str_text(&out.text));
	str_free(&out.text);
	build_finish(&build);
}

/* Put into `text` what there is to say. */
static void collect(struct events *s)
{
	int64_t now = clock_mono_ms();

	if (s->after < pipeline_last_event(s->p))
		(void)store_events_after(
			pipeline_store(s->p), s->after, EVENTS_AT_ONCE, add_event, s);
	if (s->text.len == 0 && now - s->progress_ms >= PROGRESS_MS) {
		s->progress_ms = now;
		pipeline_each_running(s->p, add_progress, s);
	}
	if (s->text.len == 0 && now - s->sent_ms >= HEARTBEAT_MS)
		sse_add_heartbeat(&s->text);
}

static size_t read_events(void *owner, char *out, size_t size, bool *out_end)
{
	struct events *s = owner;
	size_t n;

	(void)out_end;
	if (s->text.len == 0)
		collect(s);
	n = sse_take(&s->text, out, size);
	if (n > 0)
		s->sent_ms = clock_mono_ms();
	return n;
}

static void close_events(void *owner)
{
	struct events *s = owner;

	str_free(&s->text);
	free(s);
}

/* What a client asks to go on from may be gone already: tell it so. */
static void add_gap(struct events *s)
{
	int64_t oldest, newest;
	struct json_out out = { 0 };

	store_events_range(pipeline_store(s->p), &oldest, &newest);
	if (oldest == 0 || s->after >= oldest - 1)
		return;
	json_out_object(&out, NULL);
	json_out_int(&out, "oldest", oldest);
	json_out_end_object(&out);
	sse_add(&s->text, "gap", -1, str_text(&out.text));
	str_free(&out.text);
	s->after = oldest - 1;
}

static bool read_after(struct request *r, int64_t *out, struct err *err)
{
	const char *header = request_header(r, "Last-Event-ID");

	if (header != NULL && !str_to_int(header, 0, INT64_MAX, out)) {
		(void)err_set(err, CAPQ_EINVAL, "Last-Event-ID must be a whole number");
		return false;
	}
	if (header != NULL)
		return true;
	return request_query_int(
		r, "after", 0, INT64_MAX, pipeline_last_event(request_pipeline(r)), out, err);
}

static const struct answered *run(struct request *r)
{
	struct events *s = xcalloc(1, sizeof *s);
	struct stream stream = { read_events, close_events, s, false };
	struct err err;

	s->p = request_pipeline(r);
	s->sent_ms = s->progress_ms = clock_mono_ms();
	if (!read_after(r, &s->after, &err)) {
		free(s);
		return answer_err(r, &err);
	}
	str_add(&s->text,
		": capqd\n\n"); /* So that the client sees at once that it is connected. */
	add_gap(s);
	return answer_stream(r, "text/event-stream", STREAM_EVENTS, &stream);
}

const struct method method_events = {
	.name = "events",
	.verb = "GET",
	.path = "/events",
	.role = ROLE_READ,
	.query = "after",
	.run = run,
};
