/* A file made of another one: some bytes replaced, more behind. Nothing is copied until it is
 * written, so files may be of several GB. Pure. */
#ifndef CAPQ_LIB_SPLICE_H
#define CAPQ_LIB_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* From `at` on, these bytes; `bytes.at` NULL: zeros. */
struct splice {
	uint64_t at;
	struct bytes bytes;
};

struct spliced {
	struct bytes base; /* Borrowed. */
	uint64_t size;     /* Of the result; what is neither base nor spliced is zero. */
	struct splice *splices;
	size_t n, capacity;
	void **owned; /* What splices need, and nobody else has. */
	size_t n_owned, owned_capacity;
};

/* The base as it is. The caller ends with spliced_finish(). */
void spliced_init(struct spliced *s, struct bytes base);
void spliced_finish(struct spliced *s);

/* Replace from `at` on. Bytes are borrowed, or taken from the caller's
 * malloc() (spliced_own). */
void spliced_put(struct spliced *s, uint64_t at, struct bytes bytes);
void *spliced_own(struct spliced *s, void *memory);

/* Replace by a number of `size` bytes, the lowest first. */
void spliced_put_number(struct spliced *s, uint64_t at, uint64_t number, unsigned size);

/* Nothing is replaced or added. */
bool spliced_is_base(const struct spliced *s);

/* CAPQ_EINVAL: two splices overlap. */
int spliced_check(struct spliced *s, struct err *err);

/* Hand the result over from its beginning to its end, in parts; those without `at` are zeros.
 * Stops with what `write` returns when that is negative, or when splices overlap. */
int spliced_write(struct spliced *s, int (*write)(void *owner, struct bytes part, struct err *err),
	void *owner, struct err *err);

#endif
