/* One library or program with the device code of several that are the same but for it. Pure.
 *
 * The first input is the base, and every byte of it that is loaded stays where it is:
 *
 *   - container k of the result has the entries of container k of the base, then those of the
 * others that it does not have yet (kind, architecture, suffix), as they are stored;
 *   - containers stand in a new segment at the end, behind a copy of the table of segments, which
 * has one row more; wrappers are set to them, the old ones become zeros;
 *   - sections and symbols of containers say where they are now, and the build id is made anew.
 *
 * So no host address changes, and however large it all is, only pointers of 64 bits reach it.
 * Merging is refused unless the hosts are the same program (lib/host_same.h) and corresponding
 * containers have the same kernels. When the base has it all, the result is the base.
 *
 * strip(1) destroys the result: it does not know tables of segments at the end. */
#ifndef CAPQ_LIB_GPU_MERGE_H
#define CAPQ_LIB_GPU_MERGE_H

#include <stddef.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/splice.h"

#define GPU_MERGE_MAX 64 /* Inputs. */

struct gpu_merge_input {
	struct bytes file;
	const char *hash; /* Of the store path it was built as (STORE_HASH_LEN); NULL: unknown. */
};

/* Merge `n` files, 1 to GPU_MERGE_MAX; all are borrowed until spliced_finish(). After a failure
 * there is nothing to finish; CAPQ_EINVAL says why, `*out_culprit` which input differs from the
 * first (0: the first itself cannot be merged). */
int gpu_merge(const struct gpu_merge_input *inputs, size_t n, struct spliced *out,
	size_t *out_culprit, struct err *err);

/* `result` is what merging `inputs` makes: read again, the wrappers lead to containers that have
 * all, and the host is that of each input. */
int gpu_merge_verify(const struct gpu_merge_input *result, const struct gpu_merge_input *inputs,
	size_t n, struct err *err);

#endif
