/* Lookup: which of the variants that are there is the right one for some GPUs.
 *
 * A variant is a context (revision, set, flavour, system) in which every package asked for is done:
 * packages that are used together come from one. It is judged (lib/compat.h) by what its outputs
 * were seen to hold, unit by unit, and by what its set promises where nobody has looked. */
#ifndef CAPQ_DAEMON_PIPELINE_LOOKUP_H
#define CAPQ_DAEMON_PIPELINE_LOOKUP_H

#include "daemon/pipeline/pipeline.h"
#include "lib/compat.h"

#define LOOKUP_ATTRS_MAX 16

/* What is asked for; all of it borrowed. */
struct lookup_spec {
	const char *const *attrs; /* Canonical; 1..LOOKUP_ATTRS_MAX */
	size_t n_attrs;
	const struct device *devices;
	size_t n_devices;
	const char *flavour, *system;
	const char *rev, *rev_from;  /* As in store/variant.h. */
	struct cuda_version toolkit; /* That made the variants; major 0: as their revisions say. */
	bool allow_jit;
	bool newest; /* Of the newest revision that has one that may be used, no others. */
};

struct lookup_variant {
	int64_t context_id;
	int64_t job_ids[LOOKUP_ATTRS_MAX]; /* In the order of the attributes. */
	char *caps, *rev, *rev_from;
	int64_t rev_seen_at;
	struct cuda_version toolkit; /* Major 0: not known. */
	bool is_verified;            /* What all its packages hold was seen. */
	enum tier tier;
	size_t device; /* That decided. */
	char *reason;
	struct eta eta; /* Of one that is to come: of the last of its packages. */
};

struct lookup {
	struct lookup_variant *variants; /* Best first. */
	size_t n;
	struct lookup_variant *to_come; /* That would fit and are being made, best first. */
	size_t n_to_come;
	bool may_be_used; /* The first one may. */
};

/* The caller ends with lookup_finish(). */
void lookup(struct pipeline *p, const struct lookup_spec *spec, struct lookup *out);
void lookup_finish(struct lookup *lookup);

#endif
