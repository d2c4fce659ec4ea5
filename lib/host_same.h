/* Whether two libraries or programs are the same but for their device code. Pure.
 *
 * Thin builds of one source for two GPUs are mostly not: CUB puts the list of architectures into
 * names and picks launch parameters by it, build systems compile it into strings. Taking the host
 * code of one and the device code of both would then launch kernels that are not there, or with the
 * wrong block size. So everything that is loaded is compared, section by section; not compared are
 * symbols and debugging information, comments, and the build id. Anything that is not understood
 * counts as a difference. */
#ifndef CAPQ_LIB_HOST_SAME_H
#define CAPQ_LIB_HOST_SAME_H

#include "lib/host_pair.h"

#define HOST_BUILD_ID ".note.gnu.build-id"

/* 0: `a` and `b` are the same program. CAPQ_EINVAL names the first difference: the section, where
 * in it, and which bytes. Machines are x86-64 and AArch64. */
int host_same(const struct gpu_host *a, const struct gpu_host *b, struct store_refs refs,
	struct err *err);

#endif
