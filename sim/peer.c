#include "sim/peer.h"

#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"

static struct peer *peer_of(struct policy *policy)
{
	return CONTAINER_OF(policy, struct peer, policy);
}

int peer_create(const struct policy_class *class, const struct policy_setup *setup,
	struct policy **out, struct err *err)
{
	struct peer *peer = xcalloc(1, sizeof *peer);

	(void)err;
	peer->policy.class = class;
	peer->farm = setup->farm;
	for (size_t i = 0; i < setup->farm->n; i++)
		peer->free_slots[i] = setup->farm->builders[i].slots;
	*out = &peer->policy;
	return 0;
}

void peer_destroy(struct policy *policy)
{
	struct peer *peer = peer_of(policy);

	str_map_finish(&peer->names);
	free(peer->builds);
	free(peer->ready.items);
	free(peer->flows);
	free(peer);
}

/* ---- flows ---- */

static uint32_t find_flow(struct peer *peer, const char *name)
{
	uint32_t flow = str_map_get(&peer->names, name);

	if (flow != STR_MAP_NONE)
		return flow;
	flow = (uint32_t)peer->n_flows++;
	array_reserve(&peer->flows, &peer->flows_capacity, peer->n_flows, sizeof *peer->flows);
	peer->flows[flow] = (struct peer_flow){ 0 };
	str_map_set(&peer->names, name, flow);
	return flow;
}

double peer_usage(const struct peer_flow *flow, int64_t now_ms, double half_life_ms)
{
	return flow->usage_ms * exp2(-(double)(now_ms - flow->at_ms) / half_life_ms);
}

void peer_use(struct peer_flow *flow, double used_ms, int64_t now_ms, double half_life_ms)
{
	flow->usage_ms = peer_usage(flow, now_ms, half_life_ms) + used_ms;
	flow->at_ms = now_ms;
}

/* ---- what is ready ---- */

void peer_add(struct policy *policy, const struct sim_build *build, int64_t now_ms)
{
	struct peer *peer = peer_of(policy);
	const struct peer_rule *rule = policy->class->rule;

	(void)now_ms;
	array_reserve(
		&peer->builds, &peer->capacity, (size_t)build->index + 1, sizeof *peer->builds);
	peer->builds[build->index] = (struct peer_build){
		.row = build->row,
		.builders = build->builders,
		.cost_ms = estimate_median(&build->cost),
		.since_ms = build->row->submit_ms,
		.flow = rule->flow_name == NULL ? 0 : find_flow(peer, rule->flow_name(build->row)),
	};
}

void peer_supersede(struct policy *policy, uint32_t older, uint32_t newer)
{
	struct peer *peer = peer_of(policy);

	peer->builds[newer].since_ms = peer->builds[older].since_ms;
}

void peer_ready(struct policy *policy, uint32_t index, int64_t now_ms)
{
	struct peer *peer = peer_of(policy);
	struct peer_build *build = &peer->builds[index];

	(void)now_ms;
	build->is_ready = true;
	build->place = (uint32_t)peer->ready.n;
	rows_add(&peer->ready, index);
	if (policy->class->rule->ready != NULL)
		policy->class->rule->ready(peer, build);
}

static void take(struct peer *peer, uint32_t index)
{
	struct peer_build *build = &peer->builds[index];
	uint32_t last = peer->ready.items[--peer->ready.n];

	peer->ready.items[build->place] = last;
	peer->builds[last].place = build->place;
	build->is_ready = false;
}

void peer_set_cost(struct policy *policy, uint32_t index, const struct estimate *cost)
{
	peer_of(policy)->builds[index].cost_ms = estimate_median(cost);
}

void peer_leave(struct policy *policy, uint32_t index, int64_t now_ms)
{
	struct peer *peer = peer_of(policy);

	(void)now_ms;
	if (peer->builds[index].is_ready)
		take(peer, index);
}

/* ---- decisions ---- */

static uint64_t free_builders(const struct peer *peer)
{
	uint64_t builders = 0;

	for (size_t i = 0; i < peer->farm->n; i++)
		if (peer->free_slots[i] > 0)
			builders |= UINT64_C(1) << i;
	return builders;
}

static bool ranks_before(struct peer_rank a, uint32_t a_index, struct peer_rank b, uint32_t b_index)
{
	if (a.first != b.first)
		return a.first < b.first;
	return a.second != b.second ? a.second < b.second : a_index < b_index;
}

/* ROW_NONE when nothing that is ready fits a free slot. */
static uint32_t choose(const struct peer *peer, uint64_t builders, int64_t now_ms)
{
	const struct peer_rule *rule = peer->policy.class->rule;
	struct peer_rank best_rank = { 0 };
	uint32_t best = ROW_NONE;

	for (size_t i = 0; i < peer->ready.n; i++) {
		uint32_t index = peer->ready.items[i];
		struct peer_rank rank;

		if ((peer->builds[index].builders & builders) == 0)
			continue;
		rank = rule->rank(peer, &peer->builds[index], now_ms);
		if (best == ROW_NONE || ranks_before(rank, index, best_rank, best)) {
			best = index;
			best_rank = rank;
		}
	}
	return best;
}

static uint32_t fastest(const struct farm *farm, uint64_t builders)
{
	uint32_t best = FARM_BUILDERS_MAX;

	for (uint32_t i = 0; i < farm->n; i++)
		if ((builders >> i & 1) != 0 &&
			(best == FARM_BUILDERS_MAX ||
				farm->builders[i].speed > farm->builders[best].speed))
			best = i;
	return best;
}

bool peer_start(struct policy *policy, int64_t now_ms, struct sim_start *out)
{
	struct peer *peer = peer_of(policy);
	uint64_t builders = free_builders(peer);
	uint32_t index = builders == 0 ? ROW_NONE : choose(peer, builders, now_ms);
	struct peer_build *build;

	if (index == ROW_NONE)
		return false;
	take(peer, index);
	build = &peer->builds[index];
	build->builder = fastest(peer->farm, build->builders & builders);
	peer->free_slots[build->builder]--;
	if (policy->class->rule->started != NULL)
		policy->class->rule->started(peer, build, now_ms);
	*out = (struct sim_start){ .index = index, .builder = build->builder };
	return true;
}

void peer_ended(struct policy *policy, uint32_t index, int64_t took_ms, int64_t now_ms)
{
	struct peer *peer = peer_of(policy);
	struct peer_build *build = &peer->builds[index];

	peer->free_slots[build->builder]++;
	if (policy->class->rule->ended != NULL)
		policy->class->rule->ended(peer, build, took_ms, now_ms);
}
