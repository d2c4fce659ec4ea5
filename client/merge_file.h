/* Merging one file of several trees, or several files (lib/gpu_merge.h): copied when all are the
 * same, merged when they differ in device code only, else refused. */
#ifndef CAPQ_CLIENT_MERGE_FILE_H
#define CAPQ_CLIENT_MERGE_FILE_H

#include <stdbool.h>

#include "lib/gpu_code.h"
#include "lib/gpu_merge.h"

/* What is merged, and where to. Hashes are those of store paths (lib/store_refs.h), NULL: none. */
struct merge_sides {
	const char *names[GPU_MERGE_MAX]; /* As they were given. */
	const char *hashes[GPU_MERGE_MAX];
	size_t n;
	const char *out_hash; /* NULL also when it cannot stand for the others': another name. */
};

#define MERGE_ONLY_SAME_NAME "so only a store path of the same name can hold what is merged"

/* Architectures that files hold together. */
struct merge_archs {
	struct gpu_arch items[GPU_ARCHS_MAX];
	size_t n;
};

struct merge_result {
	bool is_merged; /* Else it was copied. */
	size_t n_units;
	struct merge_archs sass, ptx; /* Of what was merged. */
};

/* Merge the files open as `fds` into the one open as `out_fd` for reading and writing, which is
 * empty, and read that again; -1: only find out whether it can be done. CAPQ_EINVAL: it cannot, the
 * text says why, `*out_culprit` which of the files it is about. */
int merge_file(const struct merge_sides *sides, const int *fds, int out_fd,
	struct merge_result *out, size_t *out_culprit, struct err *err);

#endif
