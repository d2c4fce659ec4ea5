/* One file sent by one PUT whose bytes come piece by piece, in order, while it is under way. */
#ifndef CAPQ_PUSH_BODY_H
#define CAPQ_PUSH_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "push/fail.h"

struct api;
struct retry;
struct body; /* One such file. Frees itself right after `on_done` returns. */

enum body_outcome {
	BODY_DONE,   /* All of it is there. */
	BODY_AGAIN,  /* It was lost; the time to wait is over: send all of it again, from the start.
		      */
	BODY_FAILED, /* `fail` says why. */
};

struct body_spec {
	const char *name;    /* See plain_put(). */
	struct retry *retry; /* The tries so far, borrowed until the end. */

	/* From the loop: the piece was taken, its memory may be used again; the next may be given
	 * right away. Must not stop the body. */
	void (*on_taken)(void *owner);
	/* Exactly once, later, from the loop. */
	void (*on_done)(void *owner, enum body_outcome outcome, const struct fail *fail);
	void *owner;
};

struct body *body_start(const struct api *api, const struct body_spec *spec);

/* The next piece, borrowed until it is taken; not before the one before it was. */
void body_give(struct body *body, const unsigned char *bytes, size_t len, bool is_last);

/* End it soon, with BODY_FAILED unless it is done already. What was lent is not used any more when
 * this returns. */
void body_stop(struct body *body);

#endif
