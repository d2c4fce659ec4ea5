/* Finds the jobs in the body of a submit while it arrives: one object, an array of objects, or one
 * object after the other (JSON lines). Pure.
 *
 * It only cuts the stream at the ends of objects, which needs no more than counting brackets
 * outside of strings; each piece is then read by lib/json, which is the judge of what is JSON. */
#ifndef CAPQ_DAEMON_API_JOB_READER_H
#define CAPQ_DAEMON_API_JOB_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/str.h"

#define JOB_READER_OBJECT_MAX (64u << 10) /* Bytes of one job's object. */

enum job_reader_form {
	JOB_READER_UNKNOWN, /* Nothing but blanks so far. */
	JOB_READER_ARRAY,
	JOB_READER_OBJECTS, /* One object, or lines. */
};

/* Zero-initialise it; job_reader_finish() frees. */
struct job_reader {
	enum job_reader_form form;
	struct str object; /* The one that has begun. */
	size_t depth;      /* Of brackets within it. */
	bool in_string, escaped;
	bool need_comma;  /* Array: an element stands, a comma or the end must follow. */
	bool after_comma; /* Array: an element must follow. */
	bool ended;       /* Array: the bracket came. */
	size_t n;         /* Objects handed out. */
};

/* Take the next `len` bytes. `on_object` is called for each whole object; what it returns (0, or a
 * negative code) ends the reading. CAPQ_EINVAL when something stands between objects that may not,
 * CAPQ_ETOOBIG for an object that is too long. */
int job_reader_feed(struct job_reader *r, const char *bytes, size_t len,
	int (*on_object)(void *owner, const char *text, size_t len, struct err *err), void *owner,
	struct err *err);

/* The body has ended. CAPQ_EINVAL when it ended too early, or held nothing. */
int job_reader_end(const struct job_reader *r, struct err *err);

void job_reader_finish(struct job_reader *r);

#endif
