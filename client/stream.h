/* One HTTP/1.1 request and its answer as it comes, over a Unix socket or TCP, with libcurl. Every
 * call waits; connecting and silence are bounded. Redirects are not followed, and the token goes to
 * no other place than the server's origin. */
#ifndef CAPQ_CLIENT_STREAM_H
#define CAPQ_CLIENT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "client/server.h"
#include "lib/err.h"

/* How long a request may see no byte, unless it says otherwise. */
#define STREAM_SILENCE_MS 60000

struct stream_request {
	const char *method;       /* "GET" or "POST". */
	const char *path;         /* Behind "/api/v1", its query included: "/jobs?state=live". */
	const char *header;       /* One more header, "Last-Event-ID: 17"; NULL: none. */
	const char *content_type; /* Of the body. */
	const char *body;         /* Text to send; NULL: see read_body. */

	/* Or a body that is made as it is sent: write at most `size` bytes to `buffer` and say how
	 * many, 0 at the end. A negative code ends the request with that error; the server then
	 * sees a request that broke off. */
	int (*read_body)(void *owner, char *buffer, size_t size, size_t *out_len, struct err *err);
	void *owner;

	int64_t silence_ms; /* 0: STREAM_SILENCE_MS. */
};

struct stream;

/* Begin. The server, and what the body is made of, are borrowed until the stream is closed; the
 * rest of the request during this call. `connections` is a CURLM that keeps connections between
 * streams which follow one another; NULL: the stream has its own. */
struct stream *stream_open(
	const struct server *server, const struct stream_request *request, void *connections);

/* Wait for the status of the answer. CAPQ_EBUSY: the server cannot be reached, broke off or is
 * silent; CAPQ_EDENIED: its socket may not be opened; or what read_body() returned. */
int stream_wait_status(struct stream *stream, long *out, struct err *err);

enum stream_result {
	STREAM_BYTES, /* `*bytes` holds `*len` bytes, borrowed until the next call. */
	STREAM_QUIET, /* Nothing came within the time. */
	STREAM_ENDED, /* The answer is complete. */
};

/* Wait at most `timeout_ms` for more. Returns an enum stream_result, or a code as above. */
int stream_read(
	struct stream *stream, int timeout_ms, const char **bytes, size_t *len, struct err *err);

void stream_close(struct stream *stream); /* NULL is harmless. */
void cleanup_stream_at(struct stream **stream);
#define cleanup_stream __attribute__((cleanup(cleanup_stream_at)))

#endif
