#include "client/stream.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/now.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/time_text.h"

#define CONNECT_MS 10000

struct stream {
	const struct server *server;
	struct stream_request request; /* Of its texts only the body is there for long. */
	CURLM *multi;
	bool owns_multi;
	CURL *easy;
	struct curl_slist *headers;
	struct str received; /* Not handed out yet, unless `is_given`. */
	bool is_given;
	bool has_head; /* The status is known. */
	bool ended;    /* Nothing more will come; `result` says how it went. */
	CURLcode result;
	int64_t waited_ms;         /* Since something was received or sent. */
	struct err body_err;       /* Of read_body(). */
	char why[CURL_ERROR_SIZE]; /* libcurl's words. */
};

/* ---- what libcurl calls ---- */

static size_t on_received(char *bytes, size_t size, size_t n, void *owner)
{
	struct stream *stream = owner;

	str_add_bytes(&stream->received, bytes, size * n);
	stream->waited_ms = 0;
	return size * n;
}

/* The empty line behind the headers; those of a "100 Continue" do not count. */
static size_t on_header(char *line, size_t size, size_t n, void *owner)
{
	struct stream *stream = owner;
	long status = 0;

	(void)curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
	if (line[0] == '\r' && status >= 200)
		stream->has_head = true;
	stream->waited_ms = 0;
	return size * n;
}

static size_t on_send(char *buffer, size_t size, size_t n, void *owner)
{
	struct stream *stream = owner;
	const struct stream_request *request = &stream->request;
	size_t len = 0;

	if (request->read_body(request->owner, buffer, size * n, &len, &stream->body_err) < 0)
		return CURL_READFUNC_ABORT;
	stream->waited_ms = 0;
	return len;
}

/* ---- starting ---- */

static void add_header(struct stream *stream, const char *name, const char *value)
{
	cleanup_free char *line = str_format("%s: %s", name, value);

	stream->headers = curl_slist_append(stream->headers, line);
}

static void set_headers(struct stream *stream)
{
	const struct stream_request *request = &stream->request;

	if (stream->server->token != NULL) {
		cleanup_free char *bearer = str_format("Bearer %s", stream->server->token);

		add_header(stream, "Authorization", bearer);
		explicit_bzero(bearer, strlen(bearer));
	}
	if (request->header != NULL)
		stream->headers = curl_slist_append(stream->headers, request->header);
	if (request->content_type != NULL)
		add_header(stream, "Content-Type", request->content_type);
	if (request->read_body != NULL)
		add_header(stream, "Transfer-Encoding", "chunked");
	/* Without this libcurl asks "Expect: 100-continue" and waits a second for the answer. */
	stream->headers = curl_slist_append(stream->headers, "Expect:");
	curl_easy_setopt(stream->easy, CURLOPT_HTTPHEADER, stream->headers);
}

static void set_body(struct stream *stream)
{
	const struct stream_request *request = &stream->request;

	if (strcmp(request->method, "POST") != 0)
		return;
	curl_easy_setopt(stream->easy, CURLOPT_POST, 1L);
	if (request->read_body != NULL) {
		curl_easy_setopt(stream->easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(stream->easy, CURLOPT_READDATA, stream);
	} else {
		curl_easy_setopt(stream->easy, CURLOPT_POSTFIELDS,
			request->body == NULL ? "" : request->body);
	}
}

static void set_place(struct stream *stream)
{
	const struct server *server = stream->server;
	cleanup_free char *url = str_format("%s/api/v1%s", server->origin, stream->request.path);

	curl_easy_setopt(stream->easy, CURLOPT_URL, url);
	if (server->socket_path != NULL) {
		curl_easy_setopt(stream->easy, CURLOPT_UNIX_SOCKET_PATH, server->socket_path);
		curl_easy_setopt(stream->easy, CURLOPT_PROXY, "");
	}
}

/* server_parse() allows http and https only, and redirects stay off (libcurl's default, said here
 * because the token depends on it). */
struct stream *stream_open(
	const struct server *server, const struct stream_request *request, void *connections)
{
	struct stream *stream = xcalloc(1, sizeof *stream);

	stream->server = server;
	stream->request = *request;
	stream->owns_multi = connections == NULL;
	stream->multi = connections == NULL ? curl_multi_init() : connections;
	stream->easy = curl_easy_init();
	if (stream->multi == NULL || stream->easy == NULL)
		abort(); /* No memory. */
	set_place(stream);
	set_headers(stream);
	set_body(stream);
	curl_easy_setopt(stream->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(stream->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(stream->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(stream->easy, CURLOPT_USERAGENT, "capq/" CAPQ_VERSION);
	curl_easy_setopt(stream->easy, CURLOPT_ERRORBUFFER, stream->why);
	curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, on_received);
	curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, stream);
	curl_easy_setopt(stream->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(stream->easy, CURLOPT_HEADERDATA, stream);
	curl_multi_add_handle(stream->multi, stream->easy);
	return stream;
}

void stream_close(struct stream *stream)
{
	if (stream == NULL)
		return;
	curl_multi_remove_handle(stream->multi, stream->easy);
	curl_easy_cleanup(stream->easy);
	curl_slist_free_all(stream->headers);
	if (stream->owns_multi)
		curl_multi_cleanup(stream->multi);
	str_free(&stream->received);
	free(stream);
}

void cleanup_stream_at(struct stream **stream)
{
	stream_close(*stream);
}

/* ---- what went wrong on the way ---- */

static int cannot_reach(const struct stream *stream, struct err *err)
{
	const char *name = stream->server->name, *reason = stream->why;
	long number = 0;

	(void)curl_easy_getinfo(stream->easy, CURLINFO_OS_ERRNO, &number);
	if (number == EACCES)
		return err_set(err, CAPQ_EDENIED,
			"may not talk to capqd at %s: permission denied; are you in the group of "
			"that socket?",
			name);
	if (number == ENOENT)
		reason = "no such file";
	else if (number == ECONNREFUSED)
		reason = "nobody listens there";
	return err_set(err, CAPQ_EBUSY,
		"cannot reach capqd at %s: %s; is it running? (systemctl status capqd), or set "
		"CAPQ_SERVER",
		name, reason);
}

static int broken(const struct stream *stream, struct err *err)
{
	switch (stream->result) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_OPERATION_TIMEDOUT: /* Only connecting has a limit of libcurl's. */
		return cannot_reach(stream, err);
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(err, stream->body_err.code, "%s", stream->body_err.text);
	default:
		return err_set(err, CAPQ_EBUSY, "lost capqd at %s: %s", stream->server->name,
			stream->why[0] != '\0' ? stream->why : curl_easy_strerror(stream->result));
	}
}

static int64_t silence_of(const struct stream *stream)
{
	return stream->request.silence_ms > 0 ? stream->request.silence_ms : STREAM_SILENCE_MS;
}

static int silent(const struct stream *stream, struct err *err)
{
	char text[TIME_TEXT_MAX];

	duration_to_text(silence_of(stream), text);
	return err_set(
		err, CAPQ_EBUSY, "capqd at %s said nothing for %s", stream->server->name, text);
}

/* ---- going on ---- */

/* Move the transfer on. False: there was nothing to move. */
static bool move(struct stream *stream)
{
	size_t received = stream->received.len;
	bool had_head = stream->has_head;
	CURLMsg *message;
	int running, queued;

	(void)curl_multi_perform(stream->multi, &running);
	while ((message = curl_multi_info_read(stream->multi, &queued)) != NULL) {
		stream->ended = true;
		stream->result = message->data.result;
	}
	return stream->ended || stream->received.len > received || stream->has_head != had_head;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Move on, or wait for something to move, at most until `until_ms` (monotonic). Only time that is
 * spent here counts as silence: a caller may be stopped, or print to a pager that nobody reads. */
static int step(struct stream *stream, int64_t until_ms, struct err *err)
{
	int64_t began_ms = monotonic_ms(), left_ms = silence_of(stream) - stream->waited_ms;

	if (move(stream))
		return 0;
	if (left_ms <= 0)
		return silent(stream, err);
	(void)curl_multi_poll(
		stream->multi, NULL, 0, (int)least(until_ms - began_ms, left_ms), NULL);
	stream->waited_ms += monotonic_ms() - began_ms;
	return 0;
}

int stream_read(
	struct stream *stream, int timeout_ms, const char **bytes, size_t *len, struct err *err)
{
	int64_t until_ms = monotonic_ms() + timeout_ms;

	if (stream->is_given)
		str_clear(&stream->received);
	stream->is_given = false;
	for (bool is_first = true;; is_first = false) {
		int rv;

		if (stream->received.len > 0) {
			stream->is_given = true;
			*bytes = stream->received.text;
			*len = stream->received.len;
			return STREAM_BYTES;
		}
		if (stream->ended)
			return stream->result == CURLE_OK ? STREAM_ENDED : broken(stream, err);
		if (!is_first && monotonic_ms() >= until_ms)
			return STREAM_QUIET;
		rv = step(stream, until_ms, err);
		if (rv < 0)
			return rv;
	}
}

int stream_wait_status(struct stream *stream, long *out, struct err *err)
{
	while (!stream->has_head) {
		int rv;

		if (stream->ended)
			return broken(stream, err);
		rv = step(stream, INT64_MAX, err);
		if (rv < 0)
			return rv;
	}
	(void)curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, out);
	return 0;
}
