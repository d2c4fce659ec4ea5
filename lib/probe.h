/* What a revision of nixpkgs says about capabilities: which CUDA it has, what it builds for when
 * nobody asks, and what it can build for at all. Pure.
 *
 * daemon/pipeline/evaluate.nix reads the facts out of its cudaPackages, with no set configured;
 * which era of nixpkgs that is follows from the attributes that are there. */
#ifndef CAPQ_LIB_PROBE_H
#define CAPQ_LIB_PROBE_H

#include "lib/capability.h"
#include "lib/cuda.h"
#include "lib/json.h"

struct probe {
	bool has_cuda;                    /* Else nothing is known, and nothing is refused. */
	enum nixpkgs_era era;             /* With has_cuda. */
	struct cuda_version cuda;         /* Major 0: it does not say. */
	struct capability_set by_default; /* n 0: it does not say. */
	struct capability_set supported;  /* n 0: it does not say. Never with PTX. */
};

/* Read what evaluate.nix reports:
 *
 *   {"attrs": ["flags", "_cuda"], "cuda": "12.8", "default": ["7.5", "8.6"], "ptx": true,
 *    "supported": ["5.0", "7.5", "8.6"]}
 *
 * where `attrs` are those of the table in probe.c that exist; every other member may be null. The
 * revision may be a stranger's: what does not fit is as if it had not been said. */
void probe_from_json(const struct json *report, struct probe *out);

/* Read a list of capabilities as nixpkgs writes them, "8.6+PTX" among them. False: it is none. */
bool capability_list_from_json(const struct json *list, struct capability_set *out);

/* 0 when nothing is known that speaks against building `set` at this revision, for `system`;
 * CAPQ_EINVAL with the reason, as cuda_check_set(). */
int probe_check(const struct probe *probe, const struct capability_set *set, const char *system,
	struct err *err);

/* Its own default set. CAPQ_EINVAL when it has none, with the reason. */
int probe_default(const struct probe *probe, struct capability_set *out, struct err *err);

#endif
