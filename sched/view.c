/* How what is asked of a build travels down to all that it needs: its promise, how long it waits,
 * whether somebody put it first, or on hold.
 *
 * Each node's view is the most urgent of its own want's and its dependents', each member by itself.
 * A change travels along the edges by a list, not by recursion: chains may be thousands of builds
 * long. To find what is left when the most urgent has gone, the others are looked through only as
 * far as it takes to find one that asks for as much: of thousands of dependents most ask the same.
 */
#include "lib/mem.h"
#include "sched/node.h"

#define NOBODY UINT32_MAX

static void merge(struct view *view, const struct view *other)
{
	if (other->rank > view->rank)
		view->rank = other->rank;
	if (other->bumped_ms > view->bumped_ms)
		view->bumped_ms = other->bumped_ms;
	if (other->start_by_ms < view->start_by_ms)
		view->start_by_ms = other->start_by_ms;
	if (other->since_ms < view->since_ms ||
		(other->since_ms == view->since_ms && other->submitter < view->submitter)) {
		view->since_ms = other->since_ms;
		view->submitter = other->submitter;
	}
}

static bool is_as_urgent(const struct view *a, const struct view *b)
{
	return a->rank >= b->rank && a->bumped_ms >= b->bumped_ms &&
	       a->start_by_ms <= b->start_by_ms &&
	       (a->since_ms < b->since_ms ||
		       (a->since_ms == b->since_ms && a->submitter <= b->submitter));
}

static const struct view nothing = {
	.since_ms = NEVER, .start_by_ms = NEVER, .submitter = UINT16_MAX
};

static void merge_own(struct view *view, const struct node *node)
{
	const struct own_want *own = &node->own;
	struct view asked = nothing;

	if (own->jobs == 0)
		return;
	if (own->is_held) {
		asked.rank = RANK_HELD; /* And nothing else is asked. */
	} else {
		asked.rank = own->is_leftover ? RANK_LEFTOVER : RANK_NORMAL;
		asked.bumped_ms = own->bumped_ms;
		asked.since_ms = own->since_ms;
		asked.submitter = own->submitter;
		asked.start_by_ms = own->start_by_ms;
	}
	merge(view, &asked);
}

/* What must start by then needs this one to have started earlier by what this one costs. */
static void merge_dependent(
	struct view *view, const struct node *node, const struct node *dependent)
{
	struct view asked = dependent->view;

	if (asked.start_by_ms != NEVER)
		asked.start_by_ms -= (int64_t)node->cost_ms;
	merge(view, &asked);
}

/* Make the view of a node anew, with `first` among its dependents looked at first. `may_gain`: any
 * of them may ask for more than before, so all are looked at. */
static void update(struct sched *s, uint32_t index, uint32_t first, bool may_gain)
{
	struct node *node = &s->nodes[index];
	struct view view = nothing;

	merge_own(&view, node);
	if (first != NOBODY)
		merge_dependent(&view, node, &s->nodes[first]);
	for (uint32_t i = 0; i < node->dependents.n; i++) {
		if (!may_gain && is_as_urgent(&view, &node->view))
			break;
		merge_dependent(&view, node, &s->nodes[node->dependents.items[i]]);
	}
	if (is_as_urgent(&node->view, &view) && is_as_urgent(&view, &node->view))
		return;
	node->view = view;
	queue_settle(s, node);
	array_reserve(&s->changed, &s->changed_capacity, s->n_changed + 1, sizeof *s->changed);
	s->changed[s->n_changed++] = index;
}

static void tell_needs(struct sched *s)
{
	while (s->n_changed > 0) {
		uint32_t index = s->changed[--s->n_changed];

		for (uint32_t i = 0; i < s->nodes[index].needs.n; i++)
			update(s, s->nodes[index].needs.items[i], index, false);
	}
}

void view_begin(struct node *node)
{
	node->view = nothing;
}

void view_changed(struct sched *s, uint32_t index)
{
	update(s, index, NOBODY, false);
	tell_needs(s);
}

void view_cost_changed(struct sched *s, uint32_t index)
{
	update(s, index, NOBODY, true);
	tell_needs(s);
}

void view_gained(struct sched *s, uint32_t index, uint32_t dependent)
{
	update(s, index, dependent, false);
	tell_needs(s);
}
