/* The rules, in their order; schedule.h. A decision changes nothing but what time itself changes.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sched/node.h"
#include "sched/score.h"

/* A build that may start, and by which rule. */
struct choice {
	struct kind *kind;
	struct group *group; /* NULL: nothing was found. */
	uint32_t node;
	enum sched_rule rule;
	struct pool pool;
};

static enum sched_rule rule_of_order(const struct node *node)
{
	if (node->view.bumped_ms > 0)
		return SCHED_RULE_BUMPED;
	return node->view.rank == RANK_LEFTOVER ? SCHED_RULE_LEFTOVER : SCHED_RULE_SCORE;
}

/* What somebody put first does not mind the reserve. */
static bool may_take(const struct sched *s, const struct pool *pool, uint32_t index)
{
	const struct node *node = &s->nodes[index];

	return !node->is_long || pool_takes_long(pool) || node->view.bumped_ms > 0;
}

/* What is long changes with what is learnt: a build whose turn it is stands where it belongs. */
static uint32_t top_of(struct sched *s, const struct heap *heap)
{
	uint32_t top;

	while ((top = heap_top(heap)) != HEAP_NOWHERE &&
		queue_is_long(s, &s->nodes[top]) != s->nodes[top].is_long)
		queue_settle(s, &s->nodes[top]);
	return top;
}

/* True when `a` starts before what was chosen, `best`. */
static bool comes_before(
	const struct sched *s, uint32_t a, enum sched_rule rule, const struct choice *best)
{
	if (best->group == NULL)
		return true;
	if (rule != best->rule && (rule <= SCHED_RULE_PROMISE || best->rule <= SCHED_RULE_PROMISE))
		return rule < best->rule;
	if (rule == SCHED_RULE_PROMISE)
		return queue_is_promised_before(s, a, best->node);
	return queue_is_before(s, a, best->node);
}

static void consider(struct sched *s, struct kind *kind, const struct pool *pool, uint32_t index,
	enum sched_rule rule, struct choice *best)
{
	if (!comes_before(s, index, rule, best))
		return;
	best->kind = kind;
	best->pool = *pool;
	best->node = index;
	best->rule = rule;
	best->group = kind->groups[s->nodes[index].group];
}

static void consider_promises(
	struct sched *s, struct kind *kind, const struct pool *pool, struct choice *best)
{
	if (kind->lane != SCHED_BUILD || pool->n_promised >= pool->promised_max)
		return;
	for (int i = 0; i < 2; i++) {
		uint32_t top = top_of(s, &kind->promises[i]);

		if (top != HEAP_NOWHERE && s->nodes[top].view.start_by_ms <= s->now_ms &&
			may_take(s, pool, top))
			consider(s, kind, pool, top, SCHED_RULE_PROMISE, best);
	}
}

/* One that has to move may move to a group that was looked at before: hence twice. */
static void consider_order(
	struct sched *s, struct kind *kind, const struct pool *pool, struct choice *best)
{
	for (size_t i = 0; i < kind->n_groups; i++)
		(void)top_of(s, &kind->groups[i]->ready);
	for (size_t i = 0; i < kind->n_groups; i++) {
		uint32_t top = heap_top(&kind->groups[i]->ready);

		if (top != HEAP_NOWHERE && may_take(s, pool, top))
			consider(s, kind, pool, top, rule_of_order(&s->nodes[top]), best);
	}
}

static void choose(struct sched *s, struct choice *best)
{
	memset(best, 0, sizeof *best);
	for (size_t i = 0; i < s->n_kinds; i++) {
		struct pool pool;

		if (s->kinds[i]->n_ready == 0)
			continue;
		pool_look(s, s->kinds[i], &pool);
		if (pool.builder == NULL)
			continue;
		consider_promises(s, s->kinds[i], &pool, best);
		consider_order(s, s->kinds[i], &pool, best);
	}
}

/* ---- several in one slot ---- */

static bool is_cheap(const struct sched *s, const struct node *node)
{
	return node->cost_ms * exp(CHEAP_SIGMAS * node->cost_sigma) < s->batching.cost_ms;
}

/* When what was chosen is cheap, the cheap ones behind it in its group go with it: as many as leave
 * the other free slots their share. They are taken out of the heaps to see what follows; the caller
 * puts them back. */
static size_t take_batch(struct sched *s, const struct choice *choice, uint32_t *taken)
{
	struct heap *promises = choice->kind->promises;
	struct heap *ready = &choice->group->ready;
	size_t share = (choice->kind->n_ready + choice->pool.n_free - 1) / choice->pool.n_free;
	size_t max = share < s->batching.max ? share : s->batching.max, n = 0;
	uint32_t next = choice->node;

	assert(choice->pool.n_free > 0);
	do {
		heap_remove(ready, s->nodes[next].place);
		heap_remove(&promises[s->nodes[next].is_long], s->nodes[next].promise_place);
		taken[n++] = next;
		if (!is_cheap(s, &s->nodes[next]))
			break;
		next = top_of(s, ready);
	} while (n < max && next != HEAP_NOWHERE && is_cheap(s, &s->nodes[next]));
	return n;
}

static void put_back(struct sched *s, const struct choice *choice, const uint32_t *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		heap_push(&choice->group->ready, taken[i]);
		heap_push(&choice->kind->promises[s->nodes[taken[i]].is_long], taken[i]);
	}
}

static void name_runner_up(struct sched *s, struct sched_decision *out)
{
	struct choice next;

	choose(s, &next);
	if (next.group == NULL)
		return;
	out->runner_up = s->nodes[next.node].id;
	out->runner_up_score = queue_score(s, &s->nodes[next.node]);
}

void sched_decide(struct sched *s, int64_t now_ms, struct sched_decision *out)
{
	uint32_t taken[SCHED_BATCH_MAX], later;
	struct choice choice;
	const struct node *first;

	memset(out, 0, sizeof *out);
	sched_pass_time(s, now_ms);
	queue_wake(s);
	choose(s, &choice);
	if (choice.group == NULL) {
		later = heap_top(&s->later);
		out->ask_again_ms = later == HEAP_NOWHERE ? NEVER : s->nodes[later].not_before_ms;
		return;
	}
	first = &s->nodes[choice.node];
	out->n = take_batch(s, &choice, taken);
	for (size_t i = 0; i < out->n; i++)
		out->builds[i] = s->nodes[taken[i]].id;
	out->builder = (uint32_t)(choice.pool.builder - s->builders);
	out->lane = choice.kind->lane;
	out->rule = choice.rule;
	out->score = queue_score(s, first);
	out->start_by_ms = first->view.start_by_ms;
	name_runner_up(s, out);
	put_back(s, &choice, taken, out->n);
}
