/* The rules of decide.c, told of one build: which of them holds it, and the numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"
#include "sched/score.h"

/* The run that is expected to end first, of those on builders that fit and that count; NULL: none.
 */
static const struct run *first_to_end(const struct sched *s, const struct kind *kind,
	bool (*counts)(const struct sched *, const struct run *), int64_t *out_ms)
{
	const struct run *best = NULL;

	for (size_t i = 0; i < s->n_runs; i++) {
		const struct run *run = &s->runs[i];
		int64_t end_ms;

		if (run->n == 0 || run->lane != kind->lane ||
			!builder_fits(&s->builders[run->builder], kind) || !counts(s, run))
			continue;
		end_ms = s->now_ms + (int64_t)fmin(run_rest_ms(s, run), 1e15);
		if (best == NULL || end_ms < *out_ms) {
			best = run;
			*out_ms = end_ms;
		}
	}
	return best;
}

static bool any_run(const struct sched *s, const struct run *run)
{
	(void)s;
	(void)run;
	return true;
}

static bool is_promised(const struct sched *s, const struct run *run)
{
	(void)s;
	return run->rule == SCHED_RULE_PROMISE;
}

/* Builds that some builder could run either of. */
static bool compete(const struct sched *s, const struct kind *a, const struct kind *b)
{
	if (a == b)
		return true;
	for (size_t i = 0; a->lane == b->lane && i < s->n_builders; i++)
		if (builder_fits(&s->builders[i], a) && builder_fits(&s->builders[i], b))
			return true;
	return false;
}

/* ---- whose promise is due ---- */

/* The next so many that start by their promise, in their order. */
struct due {
	const struct sched *s;
	uint32_t *nodes;
	size_t n, max;
};

/* What was bumped goes first in any case. */
static bool note_due(void *arg, uint32_t item)
{
	struct due *due = arg;
	const struct view *view = &due->s->nodes[item].view;
	size_t at = due->n;

	if (view->start_by_ms > due->s->now_ms)
		return false;
	if (view->bumped_ms > 0)
		return true;
	while (at > 0 && queue_is_promised_before(due->s, item, due->nodes[at - 1]))
		at--;
	if (at == due->max)
		return true;
	if (due->n < due->max)
		due->n++;
	memmove(&due->nodes[at + 1], &due->nodes[at], (due->n - 1 - at) * sizeof *due->nodes);
	due->nodes[at] = item;
	return true;
}

static void find_due(const struct sched *s, const struct kind *kind, size_t max, struct due *due)
{
	for (size_t i = 0; due->max > 0 && i < s->n_kinds; i++) {
		const struct kind *other = s->kinds[i];
		struct pool pool;

		if (other->n_ready == 0 || !compete(s, kind, other))
			continue;
		pool_look(s, other, &pool);
		(void)heap_count(&other->promises[false], note_due, due, max);
		if (pool_takes_long(&pool))
			(void)heap_count(&other->promises[true], note_due, due, max);
	}
}

/* ---- who is ahead ---- */

static size_t place_among(const struct due *due, uint32_t node)
{
	size_t i = 0;

	while (i < due->n && due->nodes[i] != node)
		i++;
	return i;
}

struct ahead {
	const struct sched *s;
	const struct due *due; /* These are none of the nearest. */
	uint32_t node, nearest;
	bool (*is_before)(const struct sched *s, uint32_t a, uint32_t b);
};

static bool is_ahead(void *arg, uint32_t item)
{
	struct ahead *a = arg;

	if (!a->is_before(a->s, item, a->node))
		return false;
	if ((a->nearest == HEAP_NOWHERE || queue_is_before(a->s, a->nearest, item)) &&
		place_among(a->due, item) == a->due->n)
		a->nearest = item;
	return true;
}

static bool is_bumped_before(const struct sched *s, uint32_t a, uint32_t b)
{
	return s->nodes[a].view.bumped_ms > s->nodes[b].view.bumped_ms;
}

/* Long builds that the reserve holds are in nobody's way. */
static size_t count_before(
	const struct sched *s, const struct kind *kind, size_t max, struct ahead *ahead)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_kinds; i++) {
		const struct kind *other = s->kinds[i];
		struct pool pool;

		if (other->n_ready == 0 || !compete(s, kind, other))
			continue;
		pool_look(s, other, &pool);
		for (size_t k = 0; k < other->n_groups; k++)
			if (!other->groups[k]->is_long || pool_takes_long(&pool))
				n += heap_count(&other->groups[k]->ready, is_ahead, ahead, max - n);
	}
	return n;
}

/* First go those that were bumped, then those whose promise is due, as many as have slots for that;
 * of the others those that are before it in order. */
static void count_ahead(const struct sched *s, const struct node *node, const struct pool *pool,
	size_t max, struct sched_why *out)
{
	const struct kind *kind = s->kinds[node->kind];
	size_t n_due_slots =
		pool->promised_max > pool->n_promised ? pool->promised_max - pool->n_promised : 0;
	cleanup_free uint32_t *nodes = xcalloc(n_due_slots + 1, sizeof *nodes);
	struct due due = { .s = s, .nodes = nodes, .max = n_due_slots };
	struct ahead ahead = {
		.s = s, .due = &due, .node = sched_index(s, node), .nearest = HEAP_NOWHERE
	};
	size_t place;

	if (node->view.bumped_ms == 0)
		find_due(s, kind, max, &due);
	place = place_among(&due, ahead.node);
	ahead.is_before = place < due.n ? is_bumped_before : queue_is_before;
	out->n = count_before(s, kind, max, &ahead);
	out->n_due = place;
	for (size_t i = 0; i < place; i++)
		if (!ahead.is_before(s, due.nodes[i], ahead.node) && out->n < max)
			out->n++;
	if (ahead.nearest == HEAP_NOWHERE && place > 0)
		ahead.nearest = due.nodes[place - 1];
	if (ahead.nearest == HEAP_NOWHERE)
		return;
	out->other = s->nodes[ahead.nearest].id;
	out->other_score = queue_score(s, &s->nodes[ahead.nearest]);
}

static void why_queued(
	const struct sched *s, const struct node *node, size_t max, struct sched_why *out)
{
	const struct kind *kind = s->kinds[node->kind];
	const struct run *run;
	struct pool pool;

	pool_look(s, kind, &pool);
	out->doubles_ms = queue_next_tick(node);
	if (queue_is_long(s, node) && node->view.bumped_ms == 0 && !pool_takes_long(&pool)) {
		out->rule = SCHED_WHY_RESERVE;
		out->n = pool.n_long;
		out->slots = pool.long_max;
		(void)first_to_end(s, kind, run_is_long, &out->free_ms);
		return;
	}
	out->slots = pool.n_slots;
	if (pool.n_free == 0)
		(void)first_to_end(s, kind, any_run, &out->free_ms);
	count_ahead(s, node, &pool, max, out);
	out->rule = out->n == 0 ? SCHED_WHY_NEXT : SCHED_WHY_ORDER;
	if (out->n == 0 || kind->lane != SCHED_BUILD || node->view.start_by_ms > s->now_ms ||
		pool.n_promised < pool.promised_max)
		return;
	out->rule = SCHED_WHY_LANE;
	out->slots = pool.promised_max;
	run = first_to_end(s, kind, is_promised, &out->free_ms);
	out->other = run == NULL ? 0 : run->first;
}

static size_t count_unlocks(const struct sched *s, const struct node *node)
{
	cleanup_free uint32_t *above = NULL;
	size_t n, wanted = 0;

	/* A walk marks what it passed: nothing that anybody can see. */
	above = graph_reach((struct sched *)s, sched_index(s, node), false, &n);
	for (size_t i = 1; i < n; i++)
		wanted += s->nodes[above[i]].own.jobs > 0;
	return wanted;
}

static void add_numbers(const struct sched *s, const struct node *node, struct sched_why *out)
{
	out->cost_ms = node->cost_ms;
	out->long_ms = s->long_builds.threshold_ms;
	out->weight = node->own.jobs > 0 && !node->own.is_held ? node->own.weight : 0;
	out->start_by_ms = node->view.start_by_ms;
	if (node->view.rank < RANK_LEFTOVER)
		return;
	out->share = share_of(s, node->view.submitter);
	if (node->where == WHERE_QUEUE)
		out->score = queue_score(s, node);
}

void sched_why_roughly(
	const struct sched *s, int64_t build, int64_t now_ms, size_t max, struct sched_why *out)
{
	const struct node *node = sched_node(s, build);
	const struct kind *kind = s->kinds[node->kind];

	memset(out, 0, sizeof *out);
	add_numbers(s, node, out);
	switch ((enum sched_state)node->state) {
	case SCHED_BLOCKED:
		out->rule = SCHED_WHY_NEEDS;
		out->n = node->needs.n;
		out->other = s->nodes[node->needs.items[0]].id;
		return;
	case SCHED_UNKNOWN:
	case SCHED_OPEN:
		out->rule = SCHED_WHY_INPUTS;
		return;
	case SCHED_RUNNING:
		out->rule = SCHED_WHY_RUNS;
		out->builder = s->runs[node->run].builder;
		out->since_ms = s->runs[node->run].started_ms;
		out->free_ms = s->now_ms + (int64_t)fmin(run_rest_ms(s, &s->runs[node->run]), 1e15);
		return;
	case SCHED_READY:
		break;
	}
	if (node->view.rank < RANK_LEFTOVER) {
		out->rule = SCHED_WHY_HELD;
	} else if (node->not_before_ms > now_ms) {
		out->rule = SCHED_WHY_LATER;
		out->until_ms = node->not_before_ms;
	} else if (!sched_has_builder(s, kind->system, kind->features)) {
		out->rule = SCHED_WHY_NO_BUILDER;
	} else {
		why_queued(s, node, max, out);
	}
}

void sched_why(const struct sched *s, int64_t build, int64_t now_ms, struct sched_why *out)
{
	sched_why_roughly(s, build, now_ms, SIZE_MAX, out);
	out->n_unlocks = count_unlocks(s, sched_node(s, build));
}

const char *sched_rule_name(enum sched_rule rule)
{
	static const char *const names[] = {
		[SCHED_RULE_BUMPED] = "bump",
		[SCHED_RULE_PROMISE] = "promise",
		[SCHED_RULE_SCORE] = "score",
		[SCHED_RULE_LEFTOVER] = "leftover",
	};

	return names[rule];
}
