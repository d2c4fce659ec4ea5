#include "sched/schedule.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"
#include "sched/score.h"

/* ---- the nodes ---- */

struct node *sched_node(const struct sched *s, int64_t build)
{
	uint32_t index = id_map_get(&s->index, build);

	return index == ID_MAP_NONE ? NULL : &s->nodes[index];
}

uint32_t sched_index(const struct sched *s, const struct node *node)
{
	return (uint32_t)(node - s->nodes);
}

static uint32_t kind_of(struct sched *s, const struct sched_build *build)
{
	struct kind *kind;

	for (size_t i = 0; i < s->n_kinds; i++)
		if (s->kinds[i]->lane == build->lane && s->kinds[i]->system == build->system &&
			s->kinds[i]->features == build->features)
			return (uint32_t)i;
	kind = xcalloc(1, sizeof *kind);
	kind->lane = build->lane;
	kind->system = build->system;
	kind->features = build->features;
	queue_begin_kind(s, kind);
	array_reserve(&s->kinds, &s->kinds_capacity, s->n_kinds + 1, sizeof *s->kinds);
	s->kinds[s->n_kinds] = kind;
	return (uint32_t)s->n_kinds++;
}

static uint32_t new_node(struct sched *s)
{
	if (s->n_free > 0)
		return s->free_nodes[--s->n_free];
	array_reserve(&s->nodes, &s->capacity, s->n_nodes + 1, sizeof *s->nodes);
	return (uint32_t)s->n_nodes++;
}

struct sched *sched_create(void)
{
	struct sched *s = xcalloc(1, sizeof *s);

	queue_begin(s);
	long_begin(&s->long_builds);
	s->batching.max = 1;
	s->policy = SCHED_POLICY_DEFAULT;
	s->rest_at_ms = NEVER;
	return s;
}

static void destroy_kind(struct kind *kind)
{
	for (size_t i = 0; i < kind->n_groups; i++) {
		heap_finish(&kind->groups[i]->ready);
		free(kind->groups[i]);
	}
	heap_finish(&kind->promises[false]);
	heap_finish(&kind->promises[true]);
	free(kind->groups);
	free(kind);
}

static void destroy_names(char **names, size_t max)
{
	for (size_t i = 0; i < max; i++)
		free(names[i]);
}

void sched_destroy(struct sched *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_nodes; i++) {
		free(s->nodes[i].needs.items);
		free(s->nodes[i].dependents.items);
	}
	for (size_t i = 0; i < s->n_kinds; i++)
		destroy_kind(s->kinds[i]);
	for (size_t i = 0; i < s->n_builders; i++)
		free((char *)s->builders[i].spec.name);
	destroy_names(s->systems, SYSTEMS_MAX);
	destroy_names(s->features, FEATURES_MAX);
	destroy_names(s->submitters, SCHED_SUBMITTERS_MAX);
	heap_finish(&s->later);
	heap_finish(&s->ticks);
	id_map_finish(&s->index);
	free(s->nodes);
	free(s->free_nodes);
	free(s->kinds);
	free(s->runs);
	free(s->builders);
	free(s->changed);
	free(s);
}

/* ---- what it is told once, or now and then ---- */

void sched_set_policy(struct sched *s, const struct sched_policy *policy)
{
	s->policy = *policy;
}

void sched_set_batching(struct sched *s, struct sched_batching batching)
{
	s->batching = batching;
}

void sched_pass_time(struct sched *s, int64_t now_ms)
{
	if (now_ms > s->now_ms)
		s->now_ms = now_ms;
}

void sched_learn(struct sched *s, double cost_ms, int64_t at_ms)
{
	double before_ms = s->long_builds.threshold_ms;

	long_learn(&s->long_builds, cost_ms, at_ms);
	if (s->long_builds.threshold_ms > before_ms)
		queue_sweep_long(s);
}

double sched_long_ms(const struct sched *s)
{
	return s->long_builds.threshold_ms;
}

/* ---- builds come ---- */

/* Whatever history says: sums of a few million costs must stay far from where numbers end. */
static float bounded_cost(double cost_ms)
{
	return (float)fmin(fmax(cost_ms, 1), SCHED_COST_MAX_MS);
}

void sched_add(struct sched *s, const struct sched_build *build, const int64_t *needs, size_t n)
{
	uint32_t index;
	struct node *node;

	assert(build->id > 0 && sched_node(s, build->id) == NULL);
	index = new_node(s);
	node = &s->nodes[index];
	memset(node, 0, sizeof *node);
	view_begin(node);
	node->id = build->id;
	node->kind = kind_of(s, build);
	node->cost_ms = bounded_cost(build->cost_ms);
	node->cost_sigma = (float)build->cost_sigma;
	node->place = node->promise_place = node->tick_place = HEAP_NOWHERE;
	node->run = NO_RUN;
	id_map_set(&s->index, build->id, index);
	for (size_t i = 0; i < n; i++) {
		uint32_t need = id_map_get(&s->index, needs[i]);

		if (need == ID_MAP_NONE || need == index)
			continue;
		graph_add_edge(s, index, need);
	}
	node->state = node->needs.n > 0 ? SCHED_BLOCKED : SCHED_OPEN;
}

void sched_set_cost(struct sched *s, int64_t build, double cost_ms, double cost_sigma)
{
	struct node *node = sched_node(s, build);
	float before_ms = node->cost_ms;

	if (node->is_counted)
		s->backlog_ms -= (int64_t)before_ms;
	node->cost_ms = bounded_cost(cost_ms);
	node->cost_sigma = (float)cost_sigma;
	if (node->is_counted)
		s->backlog_ms += (int64_t)node->cost_ms;
	view_cost_changed(s, sched_index(s, node));
	queue_settle(s, node);
}

/* ---- who wants them ---- */

/* How long first come, first served would let a new build wait. */
static double backlog_wait_ms(struct sched *s)
{
	uint32_t n_slots = builders_slots(s);

	if (s->rest_at_ms != s->now_ms) {
		s->rest_ms = 0;
		for (size_t i = 0; i < s->n_runs; i++)
			if (s->runs[i].n > 0 && s->runs[i].lane == SCHED_BUILD)
				s->rest_ms += run_rest_roughly_ms(s, &s->runs[i]);
		s->rest_at_ms = s->now_ms;
	}
	return ((double)s->backlog_ms + s->rest_ms) / (n_slots > 0 ? n_slots : 1);
}

static int64_t new_promise(struct sched *s)
{
	double wait_ms =
		(double)s->policy.promise_grace_ms + s->policy.promise_factor * backlog_wait_ms(s);

	return s->now_ms + (int64_t)fmin(wait_ms, 1e15);
}

static void replace_own(struct sched *s, struct node *node, const struct own_want *own)
{
	uint32_t index = sched_index(s, node);

	unlock_remove(s, index);
	s->n_wanted += (own->jobs > 0) - (size_t)(node->own.jobs > 0);
	node->own = *own;
	unlock_add(s, index);
	view_changed(s, index);
	queue_settle(s, node);
}

void sched_set_want(struct sched *s, int64_t build, const struct sched_want *want, int64_t now_ms)
{
	struct node *node = sched_node(s, build);
	struct own_want own = { 0 };

	sched_pass_time(s, now_ms);
	if (node == NULL)
		return;
	if (want->jobs > 0) {
		bool was_wanted = node->own.jobs > 0;

		own = (struct own_want){
			.jobs = want->jobs,
			.is_held = want->is_held,
			.is_leftover = want->is_leftover,
			.bumped_ms = want->bumped_ms,
			.weight = (float)fmin(fmax(want->weight, 0), SCORE_WEIGHT_MAX),
			.submitter = (uint16_t)want->submitter,
			.since_ms = want->since_ms,
			.start_by_ms = want->start_by_ms,
			.cost_ms = (float)want->cost_ms,
			.chain_ms = (float)want->chain_ms,
		};
		if (own.start_by_ms == SCHED_PROMISE_NOW)
			own.start_by_ms = was_wanted ? node->own.start_by_ms : new_promise(s);
		if (!(own.cost_ms > 0))
			own.cost_ms = was_wanted ? node->own.cost_ms : node->cost_ms;
		if (!(own.chain_ms > 0))
			own.chain_ms = was_wanted ? node->own.chain_ms
						  : (float)graph_chain_ms(s, sched_index(s, node));
	}
	replace_own(s, node, &own);
}

void sched_want(const struct sched *s, int64_t build, struct sched_want *out)
{
	const struct own_want *own = &sched_node(s, build)->own;

	*out = (struct sched_want){
		.jobs = own->jobs,
		.is_held = own->is_held,
		.is_leftover = own->is_leftover,
		.bumped_ms = own->bumped_ms,
		.weight = own->weight,
		.submitter = own->submitter,
		.since_ms = own->since_ms,
		.start_by_ms = own->start_by_ms,
		.cost_ms = own->cost_ms,
		.chain_ms = own->chain_ms,
	};
}

bool sched_is_wanted(const struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);

	return node != NULL && node->view.rank != RANK_NOBODY;
}

void sched_supersede(struct sched *s, int64_t older, int64_t newer)
{
	struct node *old = sched_node(s, older), *new = sched_node(s, newer);
	static const struct own_want nobody;
	struct own_want own = new->own;

	if (old->own.jobs == 0 || own.jobs == 0 || old == new)
		return;
	if (old->own.since_ms < own.since_ms)
		own.since_ms = old->own.since_ms;
	if (old->own.start_by_ms < own.start_by_ms)
		own.start_by_ms = old->own.start_by_ms;
	if (old->own.bumped_ms > own.bumped_ms)
		own.bumped_ms = old->own.bumped_ms;
	own.weight =
		fminf(own.weight + (float)INHERITED_WEIGHT * old->own.weight, SCORE_WEIGHT_MAX);
	replace_own(s, new, &own);
	replace_own(s, old, &nobody);
}

/* ---- their way ---- */

void sched_set_ready(struct sched *s, int64_t build, int64_t not_before_ms)
{
	struct node *node = sched_node(s, build);

	assert(node->state == SCHED_OPEN);
	node->state = SCHED_READY;
	node->not_before_ms = not_before_ms;
	queue_settle(s, node);
}

void sched_started(struct sched *s, const struct sched_decision *decision, int64_t now_ms)
{
	sched_pass_time(s, now_ms);
	run_begin(s, decision);
}

void sched_requeue(struct sched *s, int64_t build, int64_t now_ms)
{
	struct node *node = sched_node(s, build);

	sched_pass_time(s, now_ms);
	run_leave(s, node);
	node->state = node->needs.n > 0 ? SCHED_BLOCKED : SCHED_OPEN;
	node->not_before_ms = 0;
	queue_settle(s, node);
}

void sched_forget(struct sched *s, struct node *node)
{
	uint32_t index = sched_index(s, node);

	run_leave(s, node);
	node->state = SCHED_UNKNOWN;
	queue_settle(s, node);
	graph_drop_edges(s, index);
	s->n_wanted -= node->own.jobs > 0;
	id_map_remove(&s->index, node->id);
	node->id = 0;
	array_reserve(&s->free_nodes, &s->free_capacity, s->n_free + 1, sizeof *s->free_nodes);
	s->free_nodes[s->n_free++] = index;
}

/* What is valid before all that it needs (somebody else built it): those above no longer wait for
 * what is below. */
static void forget_built(struct sched *s, struct node *node)
{
	cleanup_free uint32_t *above = NULL;
	size_t n = 0;

	if (node->needs.n > 0)
		above = graph_reach(s, sched_index(s, node), false, &n);
	for (size_t i = 0; i < n; i++)
		unlock_remove(s, above[i]);
	sched_forget(s, node);
	for (size_t i = 1; i < n; i++)
		unlock_add(s, above[i]);
}

void sched_built(struct sched *s, int64_t build, int64_t now_ms, void (*on_open)(void *, int64_t),
	void *owner)
{
	struct node *node = sched_node(s, build);
	size_t n = node->dependents.n;
	cleanup_free int64_t *dependents = xcalloc(n, sizeof *dependents);

	for (size_t i = 0; i < n; i++)
		dependents[i] = s->nodes[node->dependents.items[i]].id;
	sched_pass_time(s, now_ms);
	forget_built(s, node);
	for (size_t i = 0; i < n; i++) {
		struct node *other = sched_node(s, dependents[i]);

		if (other->needs.n == 0 && other->state == SCHED_BLOCKED) {
			other->state = SCHED_OPEN;
			on_open(owner, dependents[i]);
		}
	}
}

enum sched_state sched_state(const struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);

	return node == NULL ? SCHED_UNKNOWN : (enum sched_state)node->state;
}

size_t sched_needs_left(const struct sched *s, int64_t build)
{
	const struct node *node = sched_node(s, build);

	return node == NULL ? 0 : node->needs.n;
}

size_t sched_n(const struct sched *s)
{
	return s->n_nodes - s->n_free;
}
