/* What a policy is to the simulation: it is told what happens and says what starts next.
 *
 * It knows a build from when it arrives, by what a scheduler can know then, and never what the
 * build will take: that is told when it has ended. Builds are named by their rows. */
#ifndef CAPQ_SIM_POLICY_H
#define CAPQ_SIM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "sched/estimate.h"
#include "sched/schedule.h"
#include "sim/farm.h"
#include "sim/trace.h"

/* What a policy is made for. All is borrowed while it lives. */
struct policy_setup {
	const struct farm *farm;
	struct sched_policy knobs; /* Of spr. */
};

/* A build that came. Valid during the call; the row itself stays. */
struct sim_build {
	uint32_t index; /* Of its row. */
	const struct row *row;
	struct estimate cost;
	double weight;         /* Of its branch. */
	uint64_t builders;     /* That fit, a bit each. */
	const uint32_t *needs; /* Those that are not built. */
	size_t n_needs;
};

struct sim_start {
	uint32_t index;
	uint32_t builder;
	bool is_promised;
};

struct policy {
	const struct policy_class *class;
};

struct policy_class {
	const char *name, *summary;
	const struct peer_rule *rule; /* Of those that share peer.c. */
	int (*create)(const struct policy_class *class, const struct policy_setup *setup,
		struct policy **out, struct err *err);
	void (*destroy)(struct policy *policy);

	/* A build that took so long ended then, here or before the trace begins. Optional. */
	void (*learn)(struct policy *policy, int64_t took_ms, int64_t at_ms);

	/* It came, or comes back because what came now needs it; what it needs was added before.
	 * Then ready(), now or later. */
	void (*add)(struct policy *policy, const struct sim_build *build, int64_t now_ms);

	/* Somebody wants the build that was just added itself; of what comes back only others want
	 * something. Optional. */
	void (*want)(struct policy *policy, const struct sim_build *build, int64_t now_ms);

	/* The newer one takes the older one's place; if nothing needs the older, it leaves next.
	 * Optional. */
	void (*supersede)(struct policy *policy, uint32_t older, uint32_t newer);

	/* All it needs is built. */
	void (*ready)(struct policy *policy, uint32_t index, int64_t now_ms);

	/* It waits, and something was learnt about its cost. */
	void (*set_cost)(struct policy *policy, uint32_t index, const struct estimate *cost);

	/* It will not be built; nothing that waits needs it. */
	void (*leave)(struct policy *policy, uint32_t index, int64_t now_ms);

	/* Choose what starts now, in a slot that is free. False: nothing. What is chosen starts. */
	bool (*start)(struct policy *policy, int64_t now_ms, struct sim_start *out);

	void (*ended)(struct policy *policy, uint32_t index, int64_t took_ms, int64_t now_ms);

	/* By when it was promised to start; INT64_MAX: nobody promised. Optional. */
	int64_t (*start_by)(const struct policy *policy, uint32_t index);
};

/* NULL behind the last. The first is the default. */
extern const struct policy_class *const policy_classes[];

/* CAPQ_EINVAL names those that there are. */
int policy_find(const char *name, const struct policy_class **out, struct err *err);

#endif
