/* Whether GPU code is what was asked for. Pure.
 *
 * A build for 8.6 promises that its code runs on 8.6: SASS of every capability of the set must be
 * in every unit, and with +PTX so must PTX of the newest. More than that is no fault. */
#ifndef CAPQ_LIB_GPU_VERIFY_H
#define CAPQ_LIB_GPU_VERIFY_H

#include <stdbool.h>

#include "lib/capability.h"
#include "lib/gpu_code.h"
#include "lib/str.h"

/* True: `code` holds all of `asked`. False: what it lacks is appended to `out_lacks`, such as
 * "sm_86 (in 3 of 12 units)". Code without units, stubs or input for a linker, promises nothing and
 * lacks nothing. */
bool gpu_verify(
	const struct gpu_code *code, const struct capability_set *asked, struct str *out_lacks);

#endif
