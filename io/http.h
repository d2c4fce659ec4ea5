/* HTTP requests on a libuv loop, by libcurl: bounded in time and size, stopped at will, and ended
 * exactly once. Connections are kept and shared between requests. All memory of libcurl's is wiped
 * when it is freed, because headers go through it. */
#ifndef CAPQ_IO_HTTP_H
#define CAPQ_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http;         /* The connections of one program. */
struct http_request; /* One request under way. Frees itself right after `on_done` returns. */

struct http_config {
	const char *user_agent; /* Copied. */
	const char
		*ca_file; /* Certificates to trust instead of the system's; NULL: those. Copied. */
	/* Bytes of bodies that all requests together send a second; 0: any. Who is under way
	 * shares it evenly. */
	uint64_t max_send_rate;
};

/* Open: nothing is connected yet. */
struct http *http_open(uv_loop_t *loop, const struct http_config *config);

/* Close the connections and, in later turns of the loop, all handles; `http` is gone when the loop
 * has run dry. No request may be under way; the `on_done` of the last may call this. NULL is
 * harmless. */
void http_close(struct http *http);

enum http_outcome {
	HTTP_ANSWERED, /* The server answered, whatever its status. */
	HTTP_FAILED, /* No answer, or only a part of one; the server may have acted all the same. */
	HTTP_STOPPED, /* http_stop() */
};

/* How a request ended; all borrowed, for the time of the callback. Texts are never NULL. */
struct http_end {
	enum http_outcome outcome;
	int status; /* HTTP_ANSWERED: 200, 404, ... */
	const char
		*error;   /* HTTP_FAILED: why. Names the host at most, never the URL or a header. */
	const char *body; /* HTTP_ANSWERED: `body_len` bytes and a NUL. */
	size_t body_len;
	const char *etag, *retry_after; /* The header's value as it came; "" when there is none. */
};

struct http_spec {
	const char *method;         /* "GET", "POST", "PUT" */
	const char *url;            /* http or https. Copied. */
	const char *const *headers; /* "Name: value"; NULL-terminated, or NULL. Borrowed until the
				     * end: a header may hold a secret, which is not copied here. */
	const void *body;           /* Borrowed until the end; NULL: none is sent. */
	size_t body_len;

	/* Else the body comes piece by piece: write up to `size` bytes of it to `buf` and return
	 * how many; 0: it has ended; HTTP_PULL_LATER: not now, http_resume() will say when. NULL:
	 * there is none. Must start or stop no request. */
	size_t (*on_pull)(void *owner, char *buf, size_t size);

	/* A kept connection may turn out to be closed before an answer came. Then the request is
	 * sent again on a fresh one; but not when this is set, since the server may have acted on
	 * it. Of no effect without a body. */
	bool is_sent_once;

	size_t max_answer;   /* A longer body ends the request as HTTP_FAILED. */
	uint64_t connect_ms; /* To connect; 0: five minutes. */
	uint64_t stall_ms;   /* Without a byte in either direction; 0: any time. */
	uint64_t total_ms;   /* For all of it; 0: any time. */

	void (*on_done)(void *owner, const struct http_end *end);
	void *owner; /* Must outlive the request. */
};

/* Start `spec`, which is copied. `on_done` runs exactly once, later, from the loop; even a URL that
 * is none is only reported there. Redirects are not followed. */
struct http_request *http_start(struct http *http, const struct http_spec *spec);

/* There is more of a body whose `on_pull` said HTTP_PULL_LATER. Not from inside `on_pull`. */
#define HTTP_PULL_LATER SIZE_MAX
void http_resume(struct http_request *request);

/* End it now: `on_done` runs with HTTP_STOPPED, later. What `spec` lent is not used any more when
 * this returns. Allowed any time before `on_done` runs. */
void http_stop(struct http_request *request);

#endif
