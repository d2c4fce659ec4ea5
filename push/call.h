/* One call of Cachix's API or of its object store, sent again as long as that makes sense. */
#ifndef CAPQ_PUSH_CALL_H
#define CAPQ_PUSH_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "push/fail.h"
#include "push/retry.h"

struct api;
struct call; /* One call under way. Frees itself right after `on_done` returns. */

enum call_outcome {
	CALL_OK,      /* Done, and the answer read. */
	CALL_RENEW,   /* It failed, the wait is over: renew what has to be (retry.h), call again. */
	CALL_FAILED,  /* For good; `fail` says why. */
	CALL_STOPPED, /* call_stop() */
};

/* How a call ended; borrowed, for the time of the callback. */
struct call_end {
	enum call_outcome outcome;
	struct fail fail;
	int status;       /* CALL_FAILED: the last answer's; 0: none came. */
	const char *etag; /* CALL_OK: the header; "" when there was none. */
};

struct call_spec {
	enum retry_call kind;
	const char *method;
	char *url;         /* Taken. */
	char *json;        /* The body, taken; or NULL. */
	char *text;        /* Else the body, taken; or NULL. */
	const void *bytes; /* Else the body, borrowed until the end; or NULL. */
	size_t bytes_len;
	size_t (*on_pull)(void *owner, char *buf, size_t size); /* Else: see io/http.h. */
	const char *type;  /* "Content-Type: ..." of all bodies but JSON. */
	const char *md5;   /* With `bytes`: their MD5 in base 64, copied; or NULL. */
	size_t max_answer; /* Bytes; 0: 64 KiB. */

	/* Its tries so far, borrowed until the end: for calls that are renewed, which must not
	 * start counting anew. NULL: its own. */
	struct retry *retry;

	/* Read the body of a 2xx answer into `answer`, which is borrowed until the end. An error
	 * means that it is garbled, and is treated like no answer. NULL: there is nothing to read.
	 */
	bool wants_etag; /* Without one it is garbled, too. */
	int (*read)(void *answer, const char *body, size_t len, struct err *err);
	void *answer;

	/* Exactly once, later, from the loop. */
	void (*on_done)(void *owner, const struct call_end *end);
	void *owner; /* Must outlive the call. */
};

/* Start a call; `spec` is copied. */
struct call *call_start(const struct api *api, const struct call_spec *spec);

/* See http_resume(). */
void call_resume(struct call *call);

/* End it as CALL_STOPPED, later. What was lent is not used any more when this returns. Does nothing
 * when it is ending already. */
void call_stop(struct call *call);

/* Try no more. The answer to a try that is under way is still heard, for 5 seconds at most: what it
 * began at the cache can then be undone. Ends in any way but CALL_RENEW, later. May be said again.
 */
void call_finish(struct call *call);

#endif
