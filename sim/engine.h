/* Time, simulated: a trace is played through a policy on a farm.
 *
 * What happens at one moment happens in this order: builds end, builds come (in the order of the
 * trace), then the policy chooses what starts until it starts nothing more. The policy learns what
 * a build takes when it has ended; only start_build() looks at it before, to know when that is.
 *
 * The engine holds back what needs unbuilt builds. A build that comes takes the place of the one of
 * its package, set and branch that still waits; that leaves, unless something that waits needs it,
 * and comes back when something that comes later needs it. */
#ifndef CAPQ_SIM_ENGINE_H
#define CAPQ_SIM_ENGINE_H

#include "sim/farm.h"
#include "sim/knobs.h"
#include "sim/policy.h"
#include "sim/trace.h"

#define NEVER_RAN INT64_MIN

struct sim_setup {
	const struct trace *trace;
	const struct farm *farm;
	const struct policy_class *policy;
	const struct knobs *knobs;

	/* Called now and then, if not NULL: so many of the trace's builds have come. */
	void (*progress)(void *owner, size_t n_come, size_t n);
	void *owner;
};

struct sim_build_result {
	int64_t start_ms, end_ms; /* NEVER_RAN: it was superseded. */
	uint32_t slot;
	bool is_promised; /* It started because its promise was due. */
};

struct sim_result {
	struct sim_build_result *builds; /* By row. */
	size_t n;
	size_t *order; /* The rows that ran, in the order in which they started. */
	size_t n_ran;
	size_t n_promises, n_kept; /* Of builds that ran, and were wanted themselves. */
	int64_t late_max_ms;
	double late_mean_ms; /* Of those that were not kept. */
};

/* CAPQ_EINVAL: a build fits no builder. The caller ends with sim_result_finish() after success. */
int sim_run(const struct sim_setup *setup, struct sim_result *out, struct err *err);
void sim_result_finish(struct sim_result *result);

#endif
