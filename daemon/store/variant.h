/* Finished jobs as variants: packages built for a capability set, with what was seen of them. */
#ifndef CAPQ_DAEMON_STORE_VARIANT_H
#define CAPQ_DAEMON_STORE_VARIANT_H

#include "daemon/store/store.h"
#include "lib/job.h"

/* Which variants; all of it borrowed. */
struct variant_filter {
	const char *attr;    /* Canonical. */
	const char *flavour; /* Name. */
	const char *system;
	const char *rev;      /* The hash or its beginning; NULL: any. */
	const char *rev_from; /* "branch master": as submitted; NULL: any. */
};

/* A job of a trusted revision; borrowed for the call. */
struct variant_row {
	int64_t job_id, context_id;
	enum job_state state;
	const char *caps, *rev, *rev_from;
	int64_t rev_seen_at; /* When the revision was first asked for, ms since 1970. */
	int64_t build_id;    /* 0: none. */
	const char *cuda;    /* Version that the revision has, "12.8"; NULL or "": not known. */
	const char *kinds;   /* Of the units seen in its outputs, JSON; NULL: nobody could look. */
};

/* Call `each` for the newest VARIANTS_MAX jobs that are done, newest first; and for live ones. */
#define VARIANTS_MAX 500
void store_variants_each(struct store *store, const struct variant_filter *filter,
	void (*each)(void *owner, const struct variant_row *row), void *owner);
void store_variants_to_come(struct store *store, const struct variant_filter *filter,
	void (*each)(void *owner, const struct variant_row *row), void *owner);

#endif
