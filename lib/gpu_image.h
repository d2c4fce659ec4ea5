/* An image of device code: which kernels it has, and whether it is the same as another. Pure. */
#ifndef CAPQ_LIB_GPU_IMAGE_H
#define CAPQ_LIB_GPU_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/fatbin.h"
#include "lib/inflate.h"

#define GPU_IMAGE_MAX (UINT64_C(1) << 30) /* Larger ones are not inflated. */

/* Names of kernels, what a host can launch; sorted. */
struct gpu_kernels {
	char **names;
	size_t n, capacity;
};

/* The kernels of SASS (entry points in the symbols of its ELF file) or PTX (.entry). CAPQ_EINVAL:
 * it cannot be inflated or read. The caller ends with gpu_kernels_finish(), also after a failure.
 */
int gpu_kernels_read(const struct fatbin_entry *entry, struct inflater *inflater,
	struct gpu_kernels *out, struct err *err);
void gpu_kernels_finish(struct gpu_kernels *kernels);

/* A kernel that only one of the two has; NULL: there is none. `*out_in_a` says which. */
const char *gpu_kernels_difference(
	const struct gpu_kernels *a, const struct gpu_kernels *b, bool *out_in_a);

/* Both are the same code: equal once they are inflated, for SASS but for notes, in which tools
 * write their command lines with the names of temporary files. */
bool gpu_image_same(
	const struct fatbin_entry *a, const struct fatbin_entry *b, struct inflater *inflater);

#endif
