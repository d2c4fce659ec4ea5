/* The order in which ready builds start: first come, first served. Pure.
 *
 * What somebody bumped comes first, the latest bump before earlier ones; then higher priority; then
 * the older wish; then the lower id, so that the order never depends on anything else. */
#ifndef CAPQ_SCHED_ORDER_H
#define CAPQ_SCHED_ORDER_H

#include "sched/schedule.h"

/* Below, at or above 0 as `a` is more, as or less urgent than `b`; a want of nobody is the least.
 */
static inline int order_compare_wants(const struct want *a, const struct want *b)
{
	if ((a->jobs > 0) != (b->jobs > 0))
		return a->jobs > 0 ? -1 : 1;
	if (a->jobs == 0)
		return 0;
	if (a->is_held != b->is_held)
		return a->is_held ? 1 : -1;
	if (a->bumped_ms != b->bumped_ms)
		return a->bumped_ms > b->bumped_ms ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->submitted_ms != b->submitted_ms)
		return a->submitted_ms < b->submitted_ms ? -1 : 1;
	return 0;
}

#endif
