/* Where a merger goes: made beside its place under another name, then renamed, so that it is there
 * as a whole or not at all. */
#ifndef CAPQ_CLIENT_MERGE_OUT_H
#define CAPQ_CLIENT_MERGE_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct merge_out {
	char *path; /* As it is known to the kernel, links resolved. */
	char *temp; /* The name to be used until merge_out_finish(); does not exist. */
	bool is_forced;
};

/* See that `path` can be the result of merging `inputs` (resolved paths): it is in none of them,
 * none is in it, and it does not exist, or is empty, or `is_forced`. CAPQ_EINVAL, CAPQ_EEXIST
 * otherwise. End with merge_out_commit() or merge_out_abort(). */
int merge_out_begin(struct merge_out *out, const char *path, const char *const *inputs, size_t n,
	bool is_forced, struct err *err);

/* What was made as out->temp is the result. */
int merge_out_commit(struct merge_out *out, struct err *err);

/* Remove what was made. */
void merge_out_abort(struct merge_out *out);

#endif
