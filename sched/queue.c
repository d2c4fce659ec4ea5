/* The ready builds in order. Each stands in the heap of its group by score, in its kind's heap by
 * promise, and in the heap of ticks by the time at which its score doubles. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/node.h"
#include "sched/score.h"

/* Ageing in one go is bounded: what is over is a little late. */
#define TICKS_MAX 2000

/* ---- the heaps and their orders ---- */

static void set_place(void *owner, uint32_t item, uint32_t place)
{
	((struct sched *)owner)->nodes[item].place = place;
}

static void set_promise_place(void *owner, uint32_t item, uint32_t place)
{
	((struct sched *)owner)->nodes[item].promise_place = place;
}

static void set_tick_place(void *owner, uint32_t item, uint32_t place)
{
	((struct sched *)owner)->nodes[item].tick_place = place;
}

/* -1, 0, 1: by bump and class alone, `a` is before, like, behind `b`. */
static int compare_asked(const struct view *a, const struct view *b)
{
	if (a->bumped_ms != b->bumped_ms)
		return a->bumped_ms > b->bumped_ms ? -1 : 1;
	return (int)b->rank - (int)a->rank;
}

static bool breaks_tie(const struct node *a, const struct node *b)
{
	return a->view.since_ms != b->view.since_ms ? a->view.since_ms < b->view.since_ms
						    : a->id < b->id;
}

static bool scores_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct sched *s = owner;
	const struct node *x = &s->nodes[a], *y = &s->nodes[b];
	int c = compare_asked(&x->view, &y->view);

	if (c != 0)
		return c < 0;
	return x->score != y->score ? x->score > y->score : breaks_tie(x, y);
}

bool queue_is_before(const struct sched *s, uint32_t a, uint32_t b)
{
	const struct node *x = &s->nodes[a], *y = &s->nodes[b];
	int c = compare_asked(&x->view, &y->view);
	double score_x, score_y;

	if (c != 0)
		return c < 0;
	score_x = queue_score(s, x);
	score_y = queue_score(s, y);
	return score_x != score_y ? score_x > score_y : breaks_tie(x, y);
}

static bool is_promised_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct sched *s = owner;
	int64_t by_a = s->nodes[a].view.start_by_ms, by_b = s->nodes[b].view.start_by_ms;

	return by_a != by_b ? by_a < by_b : scores_before(owner, a, b);
}

bool queue_is_promised_before(const struct sched *s, uint32_t a, uint32_t b)
{
	return is_promised_before(s, a, b);
}

static bool is_due_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct sched *s = owner;
	const struct node *x = &s->nodes[a], *y = &s->nodes[b];

	return x->not_before_ms != y->not_before_ms ? x->not_before_ms < y->not_before_ms
						    : x->id < y->id;
}

static bool ticks_before(const void *owner, uint32_t a, uint32_t b)
{
	const struct sched *s = owner;
	const struct node *x = &s->nodes[a], *y = &s->nodes[b];

	int64_t at_x = queue_next_tick(x), at_y = queue_next_tick(y);

	return at_x != at_y ? at_x < at_y : x->id < y->id;
}

/* ---- their keys: the same orders, roughly ---- */

static int32_t seconds_of(int64_t ms)
{
	double seconds = floor((double)ms / 1000);

	return (int32_t)fmin(fmax(seconds, INT32_MIN), INT32_MAX);
}

/* The bits of a float that is not negative sort as it does. What is bumped goes before all that is
 * scored, and that before all leftovers. */
static int32_t score_key(const void *owner, uint32_t item)
{
	const struct node *node = &((const struct sched *)owner)->nodes[item];
	int32_t bits;

	memcpy(&bits, &node->score, sizeof bits);
	if (node->view.bumped_ms > 0)
		return INT32_MIN;
	return node->view.rank == RANK_LEFTOVER ? INT32_MAX - bits : -bits;
}

static int32_t promise_key(const void *owner, uint32_t item)
{
	return seconds_of(((const struct sched *)owner)->nodes[item].view.start_by_ms);
}

static int32_t due_key(const void *owner, uint32_t item)
{
	return seconds_of(((const struct sched *)owner)->nodes[item].not_before_ms);
}

static int32_t tick_key(const void *owner, uint32_t item)
{
	return seconds_of(queue_next_tick(&((const struct sched *)owner)->nodes[item]));
}

void queue_begin(struct sched *s)
{
	s->later = (struct heap){
		.key = due_key, .before = is_due_before, .moved = set_place, .owner = s
	};
	s->ticks = (struct heap){
		.key = tick_key, .before = ticks_before, .moved = set_tick_place, .owner = s
	};
}

void queue_begin_kind(struct sched *s, struct kind *kind)
{
	for (int i = 0; i < 2; i++)
		kind->promises[i] = (struct heap){ .key = promise_key,
			.before = is_promised_before,
			.moved = set_promise_place,
			.owner = s };
}

static uint32_t group_of(struct sched *s, struct kind *kind, uint16_t submitter, bool is_long)
{
	struct group *group;

	for (size_t i = 0; i < kind->n_groups; i++)
		if (kind->groups[i]->submitter == submitter && kind->groups[i]->is_long == is_long)
			return (uint32_t)i;
	group = xcalloc(1, sizeof *group);
	group->submitter = submitter;
	group->is_long = is_long;
	group->ready = (struct heap){
		.key = score_key, .before = scores_before, .moved = set_place, .owner = s
	};
	array_reserve(
		&kind->groups, &kind->groups_capacity, kind->n_groups + 1, sizeof *kind->groups);
	kind->groups[kind->n_groups] = group;
	return (uint32_t)kind->n_groups++;
}

static struct group *group_at(const struct sched *s, const struct node *node)
{
	return s->kinds[node->kind]->groups[node->group];
}

/* ---- the score: score.h ---- */

double queue_chain_ms(const struct node *node)
{
	double chain_ms =
		node->own.jobs > 0 && !node->own.is_held ? node->own.chain_ms : node->cost_ms;

	return fmax(chain_ms, SCORE_COST_MIN_MS);
}

double queue_own_weight(const struct node *node)
{
	const struct own_want *own = &node->own;

	if (own->jobs == 0 || own->is_held)
		return 0;
	return own->weight * pow(queue_chain_ms(node) / HOUR_MS, -SCORE_A) *
	       pow(fmax(own->cost_ms, SCORE_COST_MIN_MS) / HOUR_MS, -SCORE_P);
}

static double cost_hours(double cost_ms)
{
	if (cost_ms > SCORE_LONG_FROM_MS)
		cost_ms = SCORE_LONG_FROM_MS * pow(cost_ms / SCORE_LONG_FROM_MS, 1 - SCORE_LONG);
	return cost_ms / HOUR_MS;
}

static double power_of_two(unsigned level)
{
	return (double)(UINT64_C(1) << level);
}

int64_t queue_next_tick(const struct node *node)
{
	double wait_ms = queue_chain_ms(node) * (power_of_two(node->level + 1u) - 1);

	if (node->level >= SCORE_LEVEL_MAX || wait_ms > 1e17)
		return NEVER;
	return node->view.since_ms + (int64_t)ceil(wait_ms);
}

/* The level by its logarithm, put right by the very times at which it changes. */
static void set_level(struct node *node, int64_t now_ms)
{
	double waited_ms = fmax((double)now_ms - (double)node->view.since_ms, 0);
	double level = floor(log2(1 + waited_ms / queue_chain_ms(node)));

	node->level = (uint8_t)fmin(fmax(level - 1, 0), SCORE_LEVEL_MAX);
	while (queue_next_tick(node) <= now_ms)
		node->level++;
}

static float score_at(const struct node *node)
{
	double weight = queue_own_weight(node) + unlock_weight(node);

	return (float)(weight * power_of_two(node->level) / cost_hours(node->cost_ms));
}

double queue_score(const struct sched *s, const struct node *node)
{
	return node->score * share_factor(s, node->view.submitter);
}

bool queue_is_long(const struct sched *s, const struct node *node)
{
	return s->kinds[node->kind]->lane == SCHED_BUILD &&
	       node->cost_ms * exp(LONG_SIGMAS * node->cost_sigma) > s->long_builds.threshold_ms;
}

/* ---- in and out ---- */

static void score_again(struct sched *s, struct node *node)
{
	set_level(node, s->now_ms);
	node->score = score_at(node);
}

static void enter_queue(struct sched *s, struct node *node)
{
	struct kind *kind = s->kinds[node->kind];
	uint32_t index = sched_index(s, node);

	score_again(s, node);
	node->is_long = queue_is_long(s, node);
	node->group = group_of(s, kind, node->view.submitter, node->is_long);
	heap_push(&kind->groups[node->group]->ready, index);
	heap_push(&kind->promises[node->is_long], index);
	heap_push(&s->ticks, index);
	kind->n_ready++;
}

static void leave_queue(struct sched *s, struct node *node)
{
	struct kind *kind = s->kinds[node->kind];

	heap_remove(&group_at(s, node)->ready, node->place);
	heap_remove(&kind->promises[node->is_long], node->promise_place);
	heap_remove(&s->ticks, node->tick_place);
	kind->n_ready--;
}

/* It stays in the queue, but something about it may be another. */
static void change_in_queue(struct sched *s, struct node *node)
{
	const struct group *group = group_at(s, node);

	if (group->submitter != node->view.submitter || group->is_long != queue_is_long(s, node)) {
		leave_queue(s, node);
		enter_queue(s, node);
		return;
	}
	score_again(s, node);
	heap_changed(&group_at(s, node)->ready, node->place);
	heap_changed(&s->kinds[node->kind]->promises[node->is_long], node->promise_place);
	heap_changed(&s->ticks, node->tick_place);
}

static enum where where_to(const struct sched *s, const struct node *node)
{
	if (node->state != SCHED_READY)
		return WHERE_NONE;
	if (node->not_before_ms > s->now_ms)
		return WHERE_LATER;
	return node->view.rank >= RANK_LEFTOVER ? WHERE_QUEUE : WHERE_NONE;
}

static void count_backlog(struct sched *s, struct node *node)
{
	bool counts = s->kinds[node->kind]->lane == SCHED_BUILD &&
		      node->view.rank >= RANK_LEFTOVER && node->state != SCHED_RUNNING &&
		      node->state != SCHED_UNKNOWN;

	if (counts == node->is_counted)
		return;
	node->is_counted = counts;
	s->backlog_ms += counts ? (int64_t)node->cost_ms : -(int64_t)node->cost_ms;
}

void queue_settle(struct sched *s, struct node *node)
{
	enum where to = where_to(s, node);

	count_backlog(s, node);
	if (to == node->where) {
		if (to == WHERE_QUEUE)
			change_in_queue(s, node);
		else if (to == WHERE_LATER)
			heap_changed(&s->later, node->place);
		return;
	}
	if (node->where == WHERE_QUEUE)
		leave_queue(s, node);
	else if (node->where == WHERE_LATER)
		heap_remove(&s->later, node->place);
	node->where = (uint8_t)to;
	if (to == WHERE_QUEUE)
		enter_queue(s, node);
	else if (to == WHERE_LATER)
		heap_push(&s->later, sched_index(s, node));
}

/* ---- time ---- */

static void wake_due(struct sched *s)
{
	uint32_t top;

	while ((top = heap_top(&s->later)) != HEAP_NOWHERE &&
		s->nodes[top].not_before_ms <= s->now_ms)
		queue_settle(s, &s->nodes[top]);
}

static void age(struct sched *s)
{
	for (int i = 0; i < TICKS_MAX; i++) {
		uint32_t top = heap_top(&s->ticks);
		struct node *node;

		if (top == HEAP_NOWHERE || queue_next_tick(&s->nodes[top]) > s->now_ms)
			return;
		node = &s->nodes[top];
		node->level++;
		node->score *= 2;
		heap_changed(&s->ticks, node->tick_place);
		heap_changed(&group_at(s, node)->ready, node->place);
		heap_changed(&s->kinds[node->kind]->promises[node->is_long], node->promise_place);
	}
}

void queue_wake(struct sched *s)
{
	wake_due(s);
	age(s);
}

void queue_sweep_long(struct sched *s)
{
	for (size_t i = 0; i < s->n_kinds; i++) {
		struct kind *kind = s->kinds[i];
		const struct heap *longs = &kind->promises[true];
		size_t n = longs->n;
		cleanup_free struct heap_entry *all = xmemdup(longs->entries, n * sizeof *all);

		for (size_t k = 0; k < n; k++)
			if (!queue_is_long(s, &s->nodes[all[k].item]))
				queue_settle(s, &s->nodes[all[k].item]);
	}
}
