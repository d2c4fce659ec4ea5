/* When builds will start and be done: the schedule played forward by a worker thread, made anew
 * every some seconds while anything waits. */
#ifndef CAPQ_DAEMON_PIPELINE_FORECASTING_H
#define CAPQ_DAEMON_PIPELINE_FORECASTING_H

#include "daemon/pipeline/inside.h"
#include "sched/forecast.h"

/* Beyond so many builds nothing is foretold: the copy alone would stop the loop for too long. */
#define FORECAST_BUILDS_MAX 100000

void forecasting_tick(struct pipeline *p);
bool forecasting_is_idle(const struct pipeline *p); /* No thread works for it. */
void forecasting_finish(struct pipeline *p);

/* Play a copy forward, which is consumed; `on_done` is called on the loop, with a forecast that
 * becomes its own. */
void forecast_copy(struct pipeline *p, struct sched *copy,
	void (*on_done)(void *owner, struct forecast *forecast), void *owner);

/* Schedule times to what people are told; ms since 1970. */
void eta_from_span(const struct forecast_span *span, struct eta *out);

#endif
