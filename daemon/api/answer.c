#include "daemon/api/answer.h"

#include <stdlib.h>

#include "daemon/api/inside.h"
#include "lib/mem.h"
#include "lib/str.h"

#define STREAM_BLOCK (32u << 10)

/* The one value of its type; what it says is its existence. */
struct answered {
	char unused;
};
static const struct answered given;

/* ---- answering ---- */

void request_unlink(struct request *r)
{
	if (r->previous != NULL)
		r->previous->next = r->next;
	else
		r->server->suspended = r->next;
	if (r->next != NULL)
		r->next->previous = r->previous;
	r->next = r->previous = NULL;
}

static const struct answered *give(
	struct request *r, int status, const char *type, struct MHD_Response *response)
{
	(void)MHD_add_response_header(response, "Content-Type", type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	(void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	for (size_t i = 0; i < r->n_headers; i++)
		(void)MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
	r->response = response;
	r->status = status;
	r->cancel = NULL;
	if (r->phase == PENDING) {
		request_unlink(r);
		MHD_resume_connection(r->connection);
		r->server->wants_pump = true;
		pipeline_wake(r->server->p);
	}
	r->phase = ANSWERED;
	return &given;
}

static const struct answered *give_text(
	struct request *r, int status, const char *type, char *text, size_t len)
{
	return give(
		r, status, type, MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE));
}

const struct answered *answer_text(struct request *r, int status, struct str *json)
{
	size_t len = json->len;

	return give_text(r, status, "application/json", str_take(json), len);
}

const struct answered *answer_json(struct request *r, int status, struct json_out *out)
{
	return answer_text(r, status, &out->text);
}

static void write_problem(
	struct json_out *out, int status, const char *title, const char *detail, const char *hint)
{
	json_out_object(out, NULL);
	json_out_int(out, "status", status);
	json_out_text(out, "title", title);
	json_out_text(out, "detail", detail);
	json_out_text(out, "hint", hint);
}

static const struct answered *give_problem(struct request *r, int status, struct json_out *out)
{
	size_t len;

	json_out_end_object(out);
	len = out->text.len;
	return give_text(r, status, "application/problem+json", str_take(&out->text), len);
}

const struct answered *answer_problem(
	struct request *r, int status, const char *title, const char *detail, const char *hint)
{
	struct json_out out = { 0 };

	write_problem(&out, status, title, detail, hint);
	return give_problem(r, status, &out);
}

const struct answered *answer_problem_at(struct request *r, int status, const char *title,
	const char *detail, const char *hint, int64_t index)
{
	struct json_out out = { 0 };

	write_problem(&out, status, title, detail, hint);
	json_out_int(&out, "index", index);
	return give_problem(r, status, &out);
}

int status_of_err(int code)
{
	switch (code) {
	case CAPQ_EINVAL:
		return 400;
	case CAPQ_ENOTFOUND:
		return 404;
	case CAPQ_EEXIST:
		return 409;
	case CAPQ_EDENIED:
		return 403;
	case CAPQ_EBUSY:
		return 503;
	case CAPQ_ETOOBIG:
		return 413;
	case CAPQ_ENOSPC:
		return 507;
	case CAPQ_ETIMEOUT:
		return 504;
	default:
		return 500;
	}
}

const char *hint_of_err(int code)
{
	switch (code) {
	case CAPQ_EBUSY:
		return "Try again in a little while.";
	case CAPQ_ENOSPC:
		return "Make room on the disk; nothing was lost.";
	default:
		return NULL;
	}
}

const struct answered *answer_err(struct request *r, const struct err *err)
{
	return answer_problem(r, status_of_err(err->code), err->text, NULL, hint_of_err(err->code));
}

const struct answered *answer_later(struct request *r, void (*cancel)(void *), void *owner)
{
	r->phase = PENDING;
	r->cancel = cancel;
	r->cancel_owner = owner;
	r->next = r->server->suspended;
	if (r->next != NULL)
		r->next->previous = r;
	r->server->suspended = r;
	return &given;
}

const struct answered *answer_file(struct request *r, const char *type, int fd, int64_t size)
{
	return give(r, 200, type, MHD_create_response_from_fd64((uint64_t)size, fd));
}

void answer_header(struct request *r, const char *name, const char *value)
{
	if (r->n_headers == HEADERS_MAX)
		abort();
	r->headers[r->n_headers++] = (struct header){ xstrdup(name), xstrdup(value) };
}

void answer_status(struct request *r, int status)
{
	r->status = status;
}

/* ---- streams ---- */

struct streaming {
	struct streaming *next, *previous;
	struct server *server;
	struct MHD_Connection *connection;
	struct stream stream;
	enum stream_kind kind;
	bool is_suspended, is_ending;
};

static ssize_t read_stream(void *cls, uint64_t position, char *out, size_t size)
{
	struct streaming *s = cls;
	bool end = false;
	size_t n;

	(void)position;
	n = s->is_ending ? 0 : s->stream.read(s->stream.owner, out, size, &end);
	if (n > 0)
		return (ssize_t)n;
	if (s->is_ending && s->stream.must_be_whole)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (end || s->is_ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->is_suspended = true;
	MHD_suspend_connection(s->connection);
	return 0;
}

static void close_stream(void *cls)
{
	struct streaming *s = cls;

	if (s->previous != NULL)
		s->previous->next = s->next;
	else
		s->server->streams = s->next;
	if (s->next != NULL)
		s->next->previous = s->previous;
	s->stream.closed(s->stream.owner);
	free(s);
}

const struct answered *answer_stream(
	struct request *r, const char *type, enum stream_kind kind, const struct stream *stream)
{
	struct streaming *s = xcalloc(1, sizeof *s);

	s->server = r->server;
	s->connection = r->connection;
	s->stream = *stream;
	s->kind = kind;
	s->next = r->server->streams;
	if (s->next != NULL)
		s->next->previous = s;
	r->server->streams = s;
	return give(r, r->status != 0 ? r->status : 200, type,
		MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, s, close_stream));
}

static void wake(struct streaming *s)
{
	if (!s->is_suspended)
		return;
	s->is_suspended = false;
	MHD_resume_connection(s->connection);
	s->server->wants_pump = true;
	pipeline_wake(s->server->p);
}

void server_wake_streams(struct server *server, enum stream_kind kind)
{
	for (struct streaming *s = server->streams; s != NULL; s = s->next)
		if (s->kind == kind)
			wake(s);
}

/* Streams end, and what is pending is told that it will not be answered: MHD must not be stopped
 * while a connection is suspended. */
void server_end_streams(struct server *server)
{
	while (server->suspended != NULL) {
		struct request *r = server->suspended;

		if (r->cancel != NULL)
			r->cancel(r->cancel_owner);
		(void)answer_problem(
			r, 503, "capqd is stopping", NULL, "Try again when it is back.");
	}
	for (struct streaming *s = server->streams; s != NULL; s = s->next) {
		s->is_ending = true;
		wake(s);
	}
}
