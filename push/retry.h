/* Which failed requests are sent again, and when. Pure.
 *
 * All of it stands in one table, retry.c: per call its time limits, what is tried again, and how.
 * The waits double from RETRY_FIRST_MS up to RETRY_WAIT_MAX_MS, each shortened by chance to between
 * a half and the whole; what the server asks for (Retry-After) goes before that. */
#ifndef CAPQ_PUSH_RETRY_H
#define CAPQ_PUSH_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The requests that a push is made of. */
enum retry_call {
	RETRY_CACHE,    /* GET the cache's metadata. */
	RETRY_MISSING,  /* Ask which paths it lacks. */
	RETRY_CREATE,   /* Begin an upload. */
	RETRY_PRESIGN,  /* Ask where a part goes. */
	RETRY_PUT,      /* Send a part to the object store. */
	RETRY_COMPLETE, /* End an upload: it becomes a path of the cache. */
	RETRY_ABORT,    /* Give an upload up. */
	RETRY_PIN,      /* Pin a path. */

	/* To a plain HTTP cache. */
	RETRY_MAKE,        /* PUT its nix-cache-info. */
	RETRY_FILE,        /* PUT a file. */
	RETRY_PULLED_FILE, /* PUT a file that is made meanwhile. */
	RETRY_NARINFO,     /* PUT a narinfo. */

	RETRY_CALLS,
};

struct retry_row {
	const char *name;  /* For messages: "asking for the cache". */
	int64_t stall_ms;  /* Without a byte in either direction, see below; 0: any time. */
	int64_t total_ms;  /* For one try; 0: any time. */
	bool retries_403;  /* The object store says so when a presigned URL has expired. */
	bool is_renewed;   /* Something has to be done before it is sent again: the caller does. */
	int64_t waits_max; /* No longer wait, nor waits in all (ms), whatever the user allows. */
};

#define RETRY_FIRST_MS 500
#define RETRY_WAIT_MAX_MS 15000
#define RETRY_AFTER_MAX_MS 120000
#define RETRY_FOR_MS 90000 /* The default for "what the user allows". */

/* What `stall_ms` in the table is meant for: a user that wants a server to be silent for so long.
 */
#define RETRY_PATIENCE_MS 60000

const struct retry_row *retry_row(enum retry_call call);

/* How long the server may be silent in one try, in ms, when the user's patience is `patience_ms`:
 * what stands in the table, in proportion. 0: any time. */
int64_t retry_stall_ms(enum retry_call call, int64_t patience_ms);

/* What came of one try. */
struct retry_try {
	int status;              /* The HTTP status; 0: no answer, or none that makes sense. */
	const char *retry_after; /* The header; "" when there is none. */
	const char *body;        /* May be JSON with a number `retry_after`. */
	size_t body_len;
};

/* The tries of one request; zero-initialise it. */
struct retry {
	int n;             /* Failed tries so far. */
	int64_t waited_ms; /* In all. */
};

/* Take note of a failed try. Returns how long to wait for the next, in ms, or -1 when it was the
 * last: the answer is final, or waiting has taken `allowed_ms` already. `now_ms` is the time since
 * 1970 (for a Retry-After that is a date), `chance` is in [0, 1). */
int64_t retry_next(struct retry *retry, enum retry_call call, const struct retry_try *last,
	int64_t allowed_ms, int64_t now_ms, double chance);

#endif
