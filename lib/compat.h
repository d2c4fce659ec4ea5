/* Which GPU code runs on which GPU, and which of several variants is the right one. Pure.
 *
 * Code is SASS, machine code for one capability, or PTX, which the driver compiles when a program
 * starts: that takes minutes for a big library, and so is never chosen silently. The numbers alone
 * decide little: 8.6 is nearest to 8.0 and does not run there. The rules, from NVIDIA's
 * compatibility guides and from what its assembler accepts:
 *
 *   SASS X.Y    X.Z with Z >= Y; on Tegra (Jetson) X.Y alone, where 10.1 and 11.0 are one chip
 *   SASS X.Ya   X.Y alone
 *   SASS X.Yf   its family {10.0, 10.3}, {11.0} or {12.0, 12.1}, at the same or a higher minor
 *   PTX X.Y     every GPU of at least X.Y; with a and f as for SASS
 *
 * and SASS wants a driver of the same CUDA major version as the toolkit that made it, or newer; PTX
 * one of at least the toolkit's version. */
#ifndef CAPQ_LIB_COMPAT_H
#define CAPQ_LIB_COMPAT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/capability.h"
#include "lib/cuda.h"
#include "lib/str.h"

enum code_kind { CODE_SASS, CODE_PTX };

struct image {
	enum code_kind kind;
	struct capability capability;
};

/* Append "sm_90a" or "compute_86". */
void image_add_name(struct str *out, struct image image);

struct device {
	struct capability capability; /* Without suffix. */
	struct cuda_version driver;   /* Newest CUDA that its driver speaks; major 0: not known. */
};

/* How well code fits, best first. */
enum tier {
	TIER_EXACT,      /* SASS for this very capability. */
	TIER_SAME_MAJOR, /* SASS for a smaller minor. */
	TIER_JIT,        /* PTX. */
	TIER_NO,
};

const char *tier_name(enum tier tier); /* "exact", "same-major", "jit", "no" */

/* Images that are registered together: of each unit, one must fit. */
struct code_unit {
	const struct image *images;
	size_t n;
};

struct variant {
	const struct code_unit *units;
	size_t n_units;
	size_t n_capabilities;       /* Of the set it was built for. */
	struct cuda_version toolkit; /* That made it; major 0: not known. */
};

#define SET_IMAGES_MAX (CAPABILITIES_MAX + 1)

/* The images that a set stands for: SASS of each, and with PTX that of the newest. Returns how
 * many.
 */
size_t images_of_set(const struct capability_set *set, struct image out[SET_IMAGES_MAX]);

/* How a variant fits: as its worst unit does on the worst of the devices. */
struct fit {
	enum tier tier;
	int distance;       /* Among fits of one tier, the smaller is the better one. */
	struct image image; /* That runs there; meaningless for TIER_NO. */
	size_t unit, device;
};

void compat_judge(const struct variant *variant, const struct device *devices, size_t n_devices,
	struct fit *out);

/* Append why: "exact SASS sm_80", "sm_86 is newer than the device; ...". */
void compat_add_reason(struct str *out, const struct variant *variant, const struct device *devices,
	const struct fit *fit);

/* Order `variants` by how well they fit: by tier, by distance, fewer capabilities first, and then
 * as given. `order` gets their indices, `fits` (by variant, not by order) how they fit. */
void compat_rank(const struct variant *variants, size_t n, const struct device *devices,
	size_t n_devices, struct fit *fits, size_t *order);

/* Of what a package supports, what is to be built for `device`: the highest whose SASS runs there,
 * or else, with `allow_jit`, the highest whose PTX does (`*is_jit`). Never the nearest by number.
 * False: none. */
bool compat_closest(const struct capability_set *supported, struct capability device,
	bool allow_jit, struct capability *out, bool *is_jit);

#endif
