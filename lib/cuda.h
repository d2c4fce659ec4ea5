/* Which capability sets can be built: what CUDA versions know, and what nixpkgs of some era does
 * with `cudaCapabilities`. Pure.
 *
 * Everything here is a rule of others that changes with time. All of them stand in two tables in
 * cuda.c, each row with where it comes from. */
#ifndef CAPQ_LIB_CUDA_H
#define CAPQ_LIB_CUDA_H

#include <stdbool.h>

#include "lib/capability.h"
#include "lib/err.h"
#include "lib/str.h"

struct cuda_version {
	unsigned char major; /* 0: not known. */
	unsigned char minor;
};

/* Read "12.8"; what is behind a second dot is left out. CAPQ_EINVAL for anything else. */
int cuda_version_parse(const char *text, struct cuda_version *out, struct err *err);

/* Read which CUDA a driver speaks: a CUDA version, or a driver's own, "550.54.14". */
int cuda_driver_parse(const char *text, struct cuda_version *out, struct err *err);

/* Below, at or above 0 as `a` is older than, equal to or newer than `b`. */
int cuda_version_compare(struct cuda_version a, struct cuda_version b);

/* The ways in which nixpkgs has handled the set, oldest first. Which one a revision has is seen
 * from what its cudaPackages hold; see the table in cuda.c. */
enum nixpkgs_era {
	ERA_PER_PACKAGE,  /* The set is ignored in silence. */
	ERA_CUDA_FLAGS,   /* Lists for each major version of CUDA, no validation. */
	ERA_GPUS_TABLE,   /* A table with versions, no validation. */
	ERA_CUDA_MODULES, /* The table knows Jetsons. */
	ERA_CUDA_DB,      /* A data base, validated when anything of cudaPackages is used. */
	N_ERAS,
};

const char *era_name(enum nixpkgs_era era); /* "E0" ... "E4" */
const char *era_text(enum nixpkgs_era era); /* What is particular about it, for people. */
bool era_from_name(const char *name, enum nixpkgs_era *out);

/* Where a set is to be built. */
struct cuda_target {
	enum nixpkgs_era era;
	struct cuda_version cuda; /* Major 0: not known, and not checked. */
	const char *system;       /* "aarch64-linux"; NULL: not known, and not checked. */
	/* What its nixpkgs itself says that it can build for: then that holds, and the tables only
	 * give the reason. NULL: it does not say. */
	const struct capability_set *supported;
};

/* 0 when nothing is known that speaks against building `set` there. CAPQ_EINVAL says which element,
 * and who refuses it: nixpkgs, at once, or nvcc, after hours. */
int cuda_check_set(
	const struct capability_set *set, const struct cuda_target *target, struct err *err);

/* The part of it that holds wherever it is built: nvcc takes no N.M beside N.Mf, a Jetson before
 * Thor stands beside its like only (its libraries are NVIDIA's for Jetsons, and no others'), and
 * below 10.0 no capability is to come that is in no table. */
int cuda_check_anywhere(const struct capability_set *set, struct err *err);

/* Some CUDA version can build for it. */
bool cuda_knows(struct capability item);
bool cuda_supports(struct cuda_version cuda, struct capability item);

/* What nixpkgs builds with this CUDA version when no set is asked for (ERA_CUDA_DB; PTX is on).
 * Empty when the version is older than all. */
void cuda_default_set(struct cuda_version cuda, struct capability_set *out);

/* Append all that this version can build for, as a set. */
void cuda_add_supported(struct str *out, struct cuda_version cuda);

/* The GPU of a Jetson or DRIVE: part of the chip, and compatible with no other. */
bool capability_is_tegra(struct capability item);
void cuda_jetsons(struct capability_set *out); /* All of them, with every suffix. */

#endif
