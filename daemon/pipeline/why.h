/* Why a job or a build is in the state that it is in, in words, and what that rests on. */
#ifndef CAPQ_DAEMON_PIPELINE_WHY_H
#define CAPQ_DAEMON_PIPELINE_WHY_H

#include "daemon/pipeline/pipeline.h"
#include "lib/job.h"
#include "lib/str.h"

struct why {
	const char *rule; /* "needs", "fetching", "busy", "no_builder", "backoff", "held",
			   * "draining", "disk_full", "step", "final". */
	struct str text;  /* A sentence or two. */
	struct str brief; /* The same in a few words, for a table. */
	int64_t ahead;    /* Ready builds that start before it, or more when that is as far as was
			   * counted; -1: it is not that. */
	int64_t *chain;   /* Builds from a job's own down to what it waits for at the moment. */
	size_t n_chain, chain_capacity;
};

/* What is ahead is counted up to `max_ahead`: WHY_FOR_TABLE where there are many to be asked about,
 * SIZE_MAX for one. */
#define WHY_FOR_TABLE 100
void why_job(struct pipeline *p, const struct job *job, size_t max_ahead, struct why *out);
void why_build(struct pipeline *p, const struct build *build, size_t max_ahead, struct why *out);
void why_finish(struct why *why);

#endif
