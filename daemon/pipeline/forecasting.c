#include "daemon/pipeline/forecasting.h"

#include <stdlib.h>

#include "daemon/pipeline/wanting.h"
#include "io/clock.h"

/* Made anew no sooner than after this, and after REST times as long as it took: at most one part in
 * fifty of a processor. */
#define EVERY_MS 5000
#define REST 50

struct work {
	uv_work_t work;
	struct pipeline *p;
	struct sched *copy;
	int64_t now_ms;
	struct forecast *forecast;
	void (*on_done)(void *, struct forecast *);
	void *owner;
};

static void do_forecast(uv_work_t *work)
{
	struct work *w = work->data;
	size_t n = sched_n(w->copy);

	w->forecast = forecast_make(w->copy, w->now_ms, forecast_plays(n));
}

static void on_forecast(uv_work_t *work, int status)
{
	struct work *w = work->data;

	(void)status; /* Never cancelled. */
	w->p->n_forecasts--;
	w->on_done(w->owner, w->forecast);
	pipeline_wake(w->p); /* A stop may have waited for it. */
	free(w);
}

void forecast_copy(struct pipeline *p, struct sched *copy,
	void (*on_done)(void *, struct forecast *), void *owner)
{
	struct work *w = xcalloc(1, sizeof *w);

	w->work.data = w;
	w->p = p;
	w->copy = copy;
	w->now_ms = clock_mono_ms();
	w->on_done = on_done;
	w->owner = owner;
	p->n_forecasts++;
	if (uv_queue_work(p->loop, &w->work, do_forecast, on_forecast) != 0)
		abort(); /* libuv has no reason to refuse. */
}

static void take(void *owner, struct forecast *forecast)
{
	struct pipeline *p = owner;
	int64_t now_ms = clock_mono_ms(), took_ms = now_ms - p->forecast_begun_ms;

	forecast_destroy(p->forecast);
	p->forecast = forecast;
	p->is_forecasting = false;
	p->next_forecast_ms = now_ms + (took_ms * REST > EVERY_MS ? took_ms * REST : EVERY_MS);
}

void forecasting_tick(struct pipeline *p)
{
	size_t n = sched_n(p->sched);

	if (p->is_forecasting || p->stopping || clock_mono_ms() < p->next_forecast_ms)
		return;
	if (n == 0 || n > FORECAST_BUILDS_MAX || p->is_draining) {
		forecast_destroy(p->forecast);
		p->forecast = NULL;
		return;
	}
	p->is_forecasting = true;
	p->forecast_begun_ms = clock_mono_ms();
	forecast_copy(p, sched_copy(p->sched), take, p);
}

bool forecasting_is_idle(const struct pipeline *p)
{
	return p->n_forecasts == 0;
}

void forecasting_finish(struct pipeline *p)
{
	forecast_destroy(p->forecast);
}

/* What is late already is due now. 0: never, as things are. */
static int64_t told_time(int64_t schedule_ms, bool is_past)
{
	int64_t now_ms = clock_mono_ms();

	if (schedule_ms == INT64_MAX)
		return 0;
	return wall_time(schedule_ms > now_ms || is_past ? schedule_ms : now_ms);
}

void eta_from_span(const struct forecast_span *span, struct eta *out)
{
	bool runs =
		span->start_p50_ms == span->start_p90_ms && span->start_p50_ms <= clock_mono_ms();

	*out = (struct eta){
		.start_p50 = told_time(span->start_p50_ms, runs),
		.start_p90 = told_time(span->start_p90_ms, runs),
		.done_p50 = told_time(span->done_p50_ms, false),
		.done_p90 = told_time(span->done_p90_ms, false),
	};
}

bool pipeline_eta(const struct pipeline *p, int64_t build_id, struct eta *out)
{
	struct forecast_span span;

	if (p->forecast == NULL || sched_state(p->sched, build_id) == SCHED_UNKNOWN ||
		!forecast_get(p->forecast, build_id, &span))
		return false;
	eta_from_span(&span, out);
	return true;
}
