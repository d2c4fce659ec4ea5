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

/* What jobs ask of a target of the graph. */
struct what_if_target {
	const char *caps;
	double weight; /* Of all of them together. */
};

/* `targets` in the order of the graph's, which is settled. */
void what_if(struct pipeline *p, struct graph *graph, const struct what_if_target *targets,
	const char *submitter, struct what_if *out);

#endif
