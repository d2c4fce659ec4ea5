/* GPU code as JSON, and back. Pure.
 *
 * What was seen is kept: a build's outputs are inspected once, and asked about for as long as they
 * are in the cache. Of thousands of units most are alike, so they are written as kinds: how many
 * units hold just this code.
 *
 *   [{"units": 11, "sass": ["sm_80", "sm_90"], "ptx": ["compute_90"], "lto": []}, {"units": 1,
 * ...}]
 */
#ifndef CAPQ_LIB_GPU_CODE_JSON_H
#define CAPQ_LIB_GPU_CODE_JSON_H

#include "lib/capability.h"
#include "lib/gpu_code.h"
#include "lib/json.h"

/* The members "sass", "ptx", "lto", "units", "sass_in_all", "ptx_in_all" and "stub_only" of an open
 * object. */
void gpu_code_members_to_json(const struct gpu_code *code, struct json_out *out);

/* An array of the kinds of units, in an order that depends on the code alone. */
void gpu_kinds_to_json(const struct gpu_code *code, struct json_out *out, const char *name);

/* Add the units of such an array to `code`, which begins zero-initialised. CAPQ_EINVAL: it is none,
 * CAPQ_ETOOBIG: there are too many. The caller ends with gpu_code_finish(), also after a failure.
 */
int gpu_kinds_from_json(const struct json *kinds, struct gpu_code *code, struct err *err);

#endif
