/* When each build will start and be done: the queue played forward. Pure.
 *
 * The schedule is copied and played to its end by its own rules, several times, with durations
 * drawn from the estimates; what runs is conditioned on how long it has run. What will still be
 * submitted is not known and not counted, so the truth is rather later than earlier.
 *
 *   struct sched *copy = sched_copy(s);                   on the thread that owns the schedule
 *   struct forecast *f = forecast_make(copy, now, 20);    on any thread; consumes the copy
 *   forecast_get(f, torch, &span)                         -> start p50 p90, done p50 p90 */
#ifndef CAPQ_SCHED_FORECAST_H
#define CAPQ_SCHED_FORECAST_H

#include "sched/schedule.h"

struct forecast;

/* Times on the schedule's clock. INT64_MAX: never, as things are (on hold, no builder). */
struct forecast_span {
	int64_t start_p50_ms, start_p90_ms; /* Of what runs: when it was started. */
	int64_t done_p50_ms, done_p90_ms;
};

/* `plays` 1..100; forecast_plays() has a number that keeps the work bounded. */
struct forecast *forecast_make(struct sched *copy, int64_t now_ms, unsigned plays);
void forecast_destroy(struct forecast *f); /* NULL is harmless. */
unsigned forecast_plays(size_t n_builds);

/* False: it was not in the schedule. */
bool forecast_get(const struct forecast *f, int64_t build, struct forecast_span *out);

#endif
