/* Where merged containers go, and all that has to say so. Pure. One part of lib/gpu_merge.h. */
#ifndef CAPQ_LIB_GPU_MERGE_LAYOUT_H
#define CAPQ_LIB_GPU_MERGE_LAYOUT_H

#include "lib/gpu_host.h"
#include "lib/splice.h"

/* A container of the result. */
struct gpu_merge_container {
	struct bytes *entries; /* Each as it stands in an input. */
	size_t n, capacity;
	uint64_t size; /* With the container's header. */
};

/* Put `containers`, one for each of `base`, into `out`, which begins as the base. CAPQ_EINVAL:
 * there is no room for them. */
int gpu_merge_lay_out(const struct gpu_host *base, const struct gpu_merge_container *containers,
	struct spliced *out, struct err *err);

#endif
