/* Errors as plain values.
 *
 * A function that can fail returns 0 or a negative `enum capq_error` and takes `struct err *err`
 * last. `err` holds the code and a text; there is nothing to free, and it is untouched on success.
 * Failing is one line:  return err_set(err, CAPQ_ENOTFOUND, "job %" PRId64 " does not exist", id);
 *
 * Context is added outward with err_wrap(); only the layer that decides (the pipeline, the API,
 * main) prints, once. Texts are one sentence without a final full stop, say what happened and,
 * where somebody can do something about it, what to do. */
#ifndef CAPQ_LIB_ERR_H
#define CAPQ_LIB_ERR_H

/* Few on purpose: a code exists only where some caller acts on it; the rest is CAPQ_EFAILED. */
enum capq_error {
	CAPQ_EINVAL = -1,    /* What came from outside is not well-formed, or not allowed there. */
	CAPQ_ENOTFOUND = -2, /* It does not exist. */
	CAPQ_EEXIST = -3,    /* It exists already, or is in a state that forbids this. */
	CAPQ_EDENIED = -4,   /* Who asks may not do this. */
	CAPQ_EBUSY = -5,     /* Not now; the same call may work later. */
	CAPQ_ETOOBIG = -6,   /* A bound was exceeded. */
	CAPQ_ENOSPC = -7,    /* The disk is full. */
	CAPQ_ETIMEOUT = -8,  /* It took longer than it may. */
	CAPQ_EFAILED = -9,   /* Anything else; the text says what. */
};

#define ERR_TEXT_MAX 1024 /* Bytes with the final NUL; longer texts are cut. */

struct err {
	int code; /* enum capq_error, or 0 while nothing went wrong. */
	char text[ERR_TEXT_MAX];
};

/* Set `err` (which may be NULL) to `code` and the formatted text. Returns `code`. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), nonnull(3)));

/* Like err_set(), with ": " and the text of `error_number` (an errno value) behind it. The code
 * follows from the number: ENOENT is CAPQ_ENOTFOUND, ENOSPC and EDQUOT CAPQ_ENOSPC, EACCES and
 * EPERM CAPQ_EDENIED, the rest CAPQ_EFAILED. */
int err_errno(struct err *err, int error_number, const char *format, ...)
	__attribute__((format(printf, 3, 4), nonnull(3)));

/* Put "<formatted>: " in front of the text. Returns the code, so that callers can write
 * `return err_wrap(err, "push job %d", id)`; without an `err` nobody knows it: CAPQ_EFAILED. */
int err_wrap(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));

#endif
