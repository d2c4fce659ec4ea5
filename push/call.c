/*   TRYING --- failed, may be tried again ---> WAITING --- time is over, not to be renewed ---+
 *     |  ^                                       |                                            |
 *     |  +---------------------------------------|--------------------------------------------+
 *     |                                          |
 *     | done, or failed for good                 | time is over, to be renewed
 *     +----------------> CLOSING <---------------+
 *
 * call_stop() leads to CLOSING from everywhere; call_finish() from everywhere but TRYING, from
 * where no way leads to WAITING any more. */
#include "push/call.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/http.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/api.h"
#include "push/excerpt.h"
#include "push/secrets.h"

#define CONNECT_MS 30000
#define ANSWER_MAX (64u << 10)
#define LAST_ANSWER_MS 5000

enum call_state {
	TRYING,
	WAITING,
	CLOSING,
};

struct call {
	struct call_spec spec;
	const struct api *api;
	enum call_state state;
	struct http_request *request; /* While TRYING. */
	uv_timer_t timer;             /* While WAITING; after call_finish() while TRYING. */
	bool is_last;                 /* There is no further try. */
	struct retry own_retry;
	const char *headers[5];
	char md5_header[64];
	char *etag;
	struct call_end end;
};

static void try_once(struct call *call);

/* ---- the end ---- */

static void on_closed(uv_handle_t *timer)
{
	struct call *call = timer->data;

	call->end.etag = call->etag == NULL ? "" : call->etag;
	call->spec.on_done(call->spec.owner, &call->end);
	free(call->spec.url);
	free(call->spec.json);
	free(call->spec.text);
	free(call->etag);
	free(call);
}

static void close_call(struct call *call, enum call_outcome outcome)
{
	call->state = CLOSING;
	call->end.outcome = outcome;
	uv_close((uv_handle_t *)&call->timer, on_closed);
}

void call_resume(struct call *call)
{
	if (call->state == TRYING)
		http_resume(call->request);
}

void call_stop(struct call *call)
{
	if (call->state == TRYING)
		http_stop(call->request); /* on_answer() will close the rest. */
	else if (call->state == WAITING)
		close_call(call, CALL_STOPPED);
	call->state = CLOSING;
}

static void on_last_answer_missed(uv_timer_t *timer)
{
	call_stop(timer->data);
}

void call_finish(struct call *call)
{
	if (call->state == WAITING)
		call_stop(call);
	if (call->state == CLOSING || call->is_last)
		return;
	call->is_last = true;
	uv_timer_start(&call->timer, on_last_answer_missed, LAST_ANSWER_MS, 0);
}

/* ---- one try ---- */

static bool is_good(const struct http_end *end)
{
	return end->outcome == HTTP_ANSWERED && end->status / 100 == 2;
}

/* Note what a good answer says. */
static int read_answer(struct call *call, const struct http_end *end, struct err *err)
{
	call->etag = xstrdup(end->etag);
	if (call->spec.wants_etag && end->etag[0] == '\0')
		return err_set(err, CAPQ_EINVAL, "there is no ETag in the answer");
	if (call->spec.read == NULL)
		return 0;
	return call->spec.read(call->spec.answer, end->body, end->body_len, err);
}

/* Why it failed, in `err`; there already when a good answer could not be read. */
static void describe(const struct call *call, const struct http_end *end, struct err *err)
{
	cleanup_str struct str why = { 0 };

	if (end->outcome == HTTP_FAILED) {
		(void)err_set(err, CAPQ_EFAILED, "%s", end->error);
	} else if (!is_good(end)) {
		excerpt_add(&why, end->body, end->body_len);
		(void)err_set(err, CAPQ_EFAILED, "answered %d%s%s%s", end->status,
			why.len > 0 ? " (" : "", str_text(&why), why.len > 0 ? ")" : "");
	}
	(void)err_wrap(err, "%s", retry_row(call->spec.kind)->name);
	secrets_blot(call->api->secrets, err->text);
}

/* Only the API knows who may push; the object store's 403 means an old URL or a wrong MD5. */
static enum fail_class class_of(const struct call *call, int status)
{
	bool is_store = call->spec.kind == RETRY_PUT;

	if (status == 0 || status == 429 || status >= 500)
		return FAIL_NETWORK;
	return (status == 401 || status == 403) && !is_store ? FAIL_DENIED : FAIL_REFUSED;
}

static void on_waited(uv_timer_t *timer)
{
	struct call *call = timer->data;

	if (retry_row(call->spec.kind)->is_renewed)
		close_call(call, CALL_RENEW);
	else
		try_once(call);
}

static void fail_or_wait(struct call *call, const struct http_end *end, struct err *err)
{
	struct retry_try last = {
		/* A good status with a body that is none is as good as no answer. */
		.status = is_good(end) ? 0 : end->status,
		.retry_after = end->retry_after,
		.body = end->body,
		.body_len = end->body_len,
	};
	int64_t wait = retry_next(call->spec.retry, call->spec.kind, &last, call->api->retry_for_ms,
		clock_wall_ms(), (double)random() / ((double)RAND_MAX + 1));

	describe(call, end, err);
	if (wait < 0 || call->is_last) {
		call->end.status = last.status;
		fail_set(&call->end.fail, class_of(call, last.status), "%s", err->text);
		close_call(call, CALL_FAILED);
		return;
	}
	log_unusual("%s; again in %" PRId64 " ms", err->text, wait);
	call->state = WAITING;
	uv_timer_start(&call->timer, on_waited, (uint64_t)wait, 0);
}

static void on_answer(void *owner, const struct http_end *end)
{
	struct call *call = owner;
	struct err err = { 0 };

	call->request = NULL;
	if (call->state == CLOSING)
		close_call(call, CALL_STOPPED);
	else if (is_good(end) && read_answer(call, end, &err) == 0)
		close_call(call, CALL_OK);
	else
		fail_or_wait(call, end, &err);
}

static size_t on_pull(void *owner, char *buf, size_t size)
{
	struct call *call = owner;

	return call->spec.on_pull(call->spec.owner, buf, size);
}

static void try_once(struct call *call)
{
	const struct call_spec *spec = &call->spec;
	const struct retry_row *row = retry_row(spec->kind);
	const char *text = spec->json != NULL ? spec->json : spec->text;
	struct http_spec http = {
		.method = spec->method,
		.url = spec->url,
		.headers = call->headers,
		.body = text != NULL ? text : spec->bytes,
		.body_len = text != NULL ? strlen(text) : spec->bytes_len,
		.on_pull = spec->on_pull == NULL ? NULL : on_pull,
		.max_answer = spec->max_answer > 0 ? spec->max_answer : ANSWER_MAX,
		.is_sent_once = spec->kind == RETRY_COMPLETE, /* upload.c asks first. */
		.connect_ms = CONNECT_MS,
		.stall_ms = (uint64_t)retry_stall_ms(spec->kind, call->api->patience_ms),
		.total_ms = (uint64_t)row->total_ms,
		.on_done = on_answer,
		.owner = call,
	};

	call->state = TRYING;
	free(STEAL_POINTER(call->etag));
	call->request = http_start(call->api->http, &http);
}

/* Files get their type, and for the object store their MD5; the API the token and JSON's. */
static void set_headers(struct call *call)
{
	size_t n = 0;

	if (call->spec.type != NULL) {
		call->headers[n++] = call->spec.type;
		if (call->spec.md5 == NULL)
			return;
		(void)snprintf(call->md5_header, sizeof call->md5_header, "Content-MD5: %s",
			call->spec.md5);
		call->headers[n++] = call->md5_header;
		return;
	}
	if (call->api->secrets->authorization != NULL)
		call->headers[n++] = call->api->secrets->authorization;
	call->headers[n++] = "Accept: application/json;charset=utf-8, application/json";
	if (call->spec.json != NULL)
		call->headers[n++] = "Content-Type: application/json;charset=utf-8";
}

struct call *call_start(const struct api *api, const struct call_spec *spec)
{
	struct call *call = xcalloc(1, sizeof *call);

	call->spec = *spec;
	call->api = api;
	if (call->spec.retry == NULL)
		call->spec.retry = &call->own_retry;
	set_headers(call);
	uv_timer_init(api->loop, &call->timer);
	call->timer.data = call;
	try_once(call);
	return call;
}
