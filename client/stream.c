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
	const struct request *request;
	CURLM *multi;
	bool owns_multi;
	CURL *easy;
	struct curl_slist *headers;
	struct str received; /* Not handed out yet, unless `is_given`. */
	bool is_given;
	bool has_head; /* The status is known. */
	bool ended;    /* Nothing more will come; `result` says how it went. */
	CURLcode result;
	int64_t last_byte_ms;      /* Monotonic: when something was received or sent. */
	struct err body_err;       /* Of read_body(). */
	char why[CURL_ERROR_SIZE]; /* libcurl's words. */
};

/* ---- what libcurl calls ---- */

static size_t on_received(char *bytes, size_t size, size_t n, void *owner)
{
	struct stream *stream = owner;

	str_add_bytes(&stream->received, bytes, size * n);
	stream->last_byte_ms = monotonic_ms();
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
	stream->last_byte_ms = monotonic_ms();
	return size * n;
}

static size_t on_send(char *buffer, size_t size, size_t n, void *owner)
{
	struct stream *stream = owner;
	const struct request *request = stream->request;
	size_t len = 0;

	if (request->read_body(request->owner, buffer, size * n, &len, &stream->body_err) < 0)
		return CURL_READFUNC_ABORT;
	stream->last_byte_ms = monotonic_ms();
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
	const struct request *request = stream->request;

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
	const struct request *request = stream->request;

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
	cleanup_free char *url = str_format("%s/api/v1%s", server->origin, stream->request->path);

	curl_easy_setopt(stream->easy, CURLOPT_URL, url);
	if (server->socket_path != NULL) {
		curl_easy_setopt(stream->easy, CURLOPT_UNIX_SOCKET_PATH, server->socket_path);
		curl_easy_setopt(stream->easy, CURLOPT_PROXY, "");
	}
}

/* server_parse() allows http and https only, and redirects stay off (libcurl's default, said here
 * because the token depends on it). */
struct stream *stream_open(
	const struct server *server, const struct request *request, void *connections)
{
	struct stream *stream = xcalloc(1, sizeof *stream);

	stream->server = server;
	stream->request = request;
	stream->owns_multi = connections == NULL;
	stream->multi = connections == NULL ? curl_multi_init() : connections;
	stream->easy = curl_easy_init();
	if (stream->multi == NULL || stream->easy == NULL)
		abort(); /* No memory. */
	stream->last_byte_ms = monotonic_ms();
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

/* Why the connection failed, as a person would say it. */
static const char *connect_reason(const struct stream *stream)
{
	long number = 0;

	(void)curl_easy_getinfo(stream->easy, CURLINFO_OS_ERRNO, &number);
	switch (number) {
	case ENOENT:
		return "no such file";
	case ECONNREFUSED:
		return "nobody listens there";
	case EACCES:
		return "permission denied";
	default:
		return stream->why;
	}
}

static int cannot_reach(const struct stream *stream, struct err *err)
{
	const char *name = stream->server->name, *reason = connect_reason(stream);

	if (strcmp(reason, "permission denied") == 0)
		return err_set(err, CAPQ_EDENIED,
			"may not talk to capqd at %s: %s; are you in the group of that socket?",
			name, reason);
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

static int silent(const struct stream *stream, int64_t silence_ms, struct err *err)
{
	char text[TIME_TEXT_MAX];

	duration_to_text(silence_ms, text);
	return err_set(
		err, CAPQ_EBUSY, "capqd at %s said nothing for %s", stream->server->name, text);
}

/* ---- going on ---- */

static int64_t silence_of(const struct stream *stream)
{
	return stream->request->silence_ms > 0 ? stream->request->silence_ms : STREAM_SILENCE_MS;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Move the transfer on; when there is nothing to move, wait for `wait_ms` at most. */
static void step(struct stream *stream, int64_t wait_ms)
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
	if (!stream->ended && stream->received.len == received && stream->has_head == had_head)
		(void)curl_multi_poll(stream->multi, NULL, 0, (int)wait_ms, NULL);
}

/* One step, not beyond `until_ms` (monotonic). CAPQ_EBUSY when the server is silent for too long.
 */
static int step_until(struct stream *stream, int64_t until_ms, struct err *err)
{
	int64_t silent_at = stream->last_byte_ms + silence_of(stream), now = monotonic_ms();

	if (now >= silent_at)
		return silent(stream, silence_of(stream), err);
	step(stream, least(until_ms, silent_at) - now);
	return 0;
}

int stream_read(
	struct stream *stream, int timeout_ms, const char **bytes, size_t *len, struct err *err)
{
	int64_t until_ms = monotonic_ms() + timeout_ms;

	if (stream->is_given)
		str_clear(&stream->received);
	stream->is_given = false;
	for (;;) {
		int rv;

		if (stream->received.len > 0) {
			stream->is_given = true;
			*bytes = stream->received.text;
			*len = stream->received.len;
			return STREAM_BYTES;
		}
		if (stream->ended)
			return stream->result == CURLE_OK ? STREAM_ENDED : broken(stream, err);
		if (monotonic_ms() >= until_ms)
			return STREAM_QUIET;
		rv = step_until(stream, until_ms, err);
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
		rv = step_until(stream, INT64_MAX, err);
		if (rv < 0)
			return rv;
	}
	(void)curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, out);
	return 0;
}
