/* Packages that support some capabilities only: what is known of them, and what becomes of jobs.
 *
 * The configuration (`packages`) knows first; what a package says itself, in passthru, is learnt by
 * its evaluation and kept. */
#ifndef CAPQ_DAEMON_PIPELINE_SUPPORTING_H
#define CAPQ_DAEMON_PIPELINE_SUPPORTING_H

#include "daemon/pipeline/pipeline.h"
#include "daemon/store/probe.h"

/* What `attr` supports there. False: nothing is known, and so it is taken to support all. */
bool support_known(struct pipeline *p, const struct probe_key *key, const char *attr,
	struct capability_set *out);

/* Keep what a package said. Within a write. */
void support_keep(struct pipeline *p, const struct probe_key *key, const char *attr,
	const struct capability_set *supported);

/* Decide what becomes of a job that is evaluating, by what it wants then (lib/support.h): it goes
 * on (false), or it fails, is skipped, or is evaluated again for another set. Within a write. */
bool support_decides(struct pipeline *p, int64_t job_id, const struct capability_set *supported);

#endif
