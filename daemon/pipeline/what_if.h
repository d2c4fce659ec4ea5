/* What would become of builds that are not submitted: a plan's graph put into a copy of the
 * schedule. */
#ifndef CAPQ_DAEMON_PIPELINE_WHAT_IF_H
#define CAPQ_DAEMON_PIPELINE_WHAT_IF_H

#include "daemon/pipeline/graph.h"
#include "daemon/pipeline/inside.h"

struct what_if {
	struct sched *copy;  /* With all of it; NULL: there is too much to foretell anything. */
	int64_t *target_ids; /* Of the graph's targets in `copy`; 0: nothing is missing. */
	double build_ms, core_ms; /* Medians of all that is missing, summed up. */
};

/* `caps` has the capability set of each target. The graph is settled. */
void what_if(struct pipeline *p, struct graph *graph, const char *const *caps,
	const char *submitter, struct what_if *out);

#endif
