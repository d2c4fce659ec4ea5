/* What all peers have in common: a plain list of what is ready, a rule that ranks it, and books on
 * what the flows (branches, submitters, classes of cost) have used.
 *
 * A decision looks at all that is ready: slow, and easy to believe. */
#ifndef CAPQ_SIM_PEER_H
#define CAPQ_SIM_PEER_H

#include "lib/str_map.h"
#include "sim/board.h"
#include "sim/policy.h"

#define PEER_TAGS 3

struct peer_build {
	const struct row *row;
	uint64_t builders;
	double cost_ms;   /* As it is estimated now. */
	int64_t since_ms; /* It, or what it supersedes, waits since then. */
	uint32_t flow;    /* Whom it is booked on; 0 when the rule knows no flows. */
	uint32_t builder; /* On which it runs. */
	uint32_t place;   /* In the list of what is ready, while it is. */
	bool is_ready;
	double tag; /* The rule's own. */
};

struct peer_flow {
	double usage_ms; /* As the rule decays it, at `at_ms`. */
	int64_t at_ms;
};

struct peer {
	struct policy policy;
	const struct farm *farm;
	uint32_t free_slots[FARM_BUILDERS_MAX];
	struct peer_build *builds; /* By row. */
	size_t capacity;
	struct rows ready; /* In no order. */
	struct peer_flow *flows;
	size_t n_flows, flows_capacity;
	struct str_map names;          /* Of flows. */
	double tags[PEER_TAGS], clock; /* Virtual times, the rule's own. */
};

/* What goes first: the smaller `first`, then the smaller `second`, then the earlier row. */
struct peer_rank {
	double first, second;
};

struct peer_rule {
	struct peer_rank (*rank)(
		const struct peer *peer, const struct peer_build *build, int64_t now_ms);

	/* All of these are optional. */
	void (*ready)(struct peer *peer, struct peer_build *build);
	void (*started)(struct peer *peer, const struct peer_build *build, int64_t now_ms);
	void (*ended)(
		struct peer *peer, const struct peer_build *build, int64_t took_ms, int64_t now_ms);
	const char *(*flow_name)(const struct row *row); /* It is booked on this. */
};

/* The functions of a policy_class that has a rule. */
int peer_create(const struct policy_class *class, const struct policy_setup *setup,
	struct policy **out, struct err *err);
void peer_destroy(struct policy *policy);
void peer_add(struct policy *policy, const struct sim_build *build, int64_t now_ms);
void peer_supersede(struct policy *policy, uint32_t older, uint32_t newer);
void peer_ready(struct policy *policy, uint32_t index, int64_t now_ms);
void peer_set_cost(struct policy *policy, uint32_t index, const struct estimate *cost);
void peer_leave(struct policy *policy, uint32_t index, int64_t now_ms);
bool peer_start(struct policy *policy, int64_t now_ms, struct sim_start *out);
void peer_ended(struct policy *policy, uint32_t index, int64_t took_ms, int64_t now_ms);

#define PEER_FUNCTIONS                                                                             \
	.create = peer_create, .destroy = peer_destroy, .add = peer_add,                           \
	.supersede = peer_supersede, .ready = peer_ready, .set_cost = peer_set_cost,               \
	.leave = peer_leave, .start = peer_start, .ended = peer_ended

/* What a flow has used, at `now_ms`, where half is forgotten every `half_life_ms`. */
double peer_usage(const struct peer_flow *flow, int64_t now_ms, double half_life_ms);

/* Book `used_ms` on a flow. */
void peer_use(struct peer_flow *flow, double used_ms, int64_t now_ms, double half_life_ms);

#endif
