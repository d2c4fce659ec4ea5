#include "tests/sim/moment.h"

#include <stdlib.h>
#include <uv.h>

#include "io/clock.h"
#include "lib/mem.h"

#define START_WALL_MS INT64_C(1700000000000)

struct due {
	int64_t at_ms;
	uint64_t number; /* In the order of asking. */
	void (*what)(void *owner);
	void *owner;
};

static struct due *all;
static size_t n_all, capacity;
static uint64_t n_asked;
static int64_t now_ms;

void moment_reset(void)
{
	free(all);
	all = NULL;
	n_all = capacity = 0;
	now_ms = 0;
}

int64_t moment_now(void)
{
	return now_ms;
}

void moment_at(int64_t at_ms, void (*what)(void *), void *owner)
{
	array_reserve(&all, &capacity, n_all + 1, sizeof *all);
	all[n_all++] = (struct due){ at_ms, n_asked++, what, owner };
}

void moment_cancel(const void *owner)
{
	size_t left = 0;

	for (size_t i = 0; i < n_all; i++)
		if (all[i].owner != owner)
			all[left++] = all[i];
	n_all = left;
}

/* The next; n_all: there is none. */
static size_t next_due(void)
{
	size_t best = n_all;

	for (size_t i = 0; i < n_all; i++)
		if (best == n_all || all[i].at_ms < all[best].at_ms ||
			(all[i].at_ms == all[best].at_ms && all[i].number < all[best].number))
			best = i;
	return best;
}

bool moment_run_one(void)
{
	size_t i = next_due();
	struct due due;

	if (i == n_all || all[i].at_ms > now_ms)
		return false;
	due = all[i];
	all[i] = all[--n_all];
	due.what(due.owner);
	return true;
}

bool moment_jump(int64_t to_ms)
{
	size_t i = next_due();

	if (i == n_all || all[i].at_ms > to_ms) {
		now_ms = to_ms;
		return false;
	}
	now_ms = all[i].at_ms;
	return true;
}

/* ---- io/clock.h ---- */

int64_t clock_wall_ms(void)
{
	return START_WALL_MS + now_ms;
}

int64_t clock_mono_ms(void)
{
	return now_ms;
}

int64_t clock_mono_us(void)
{
	return now_ms * 1000;
}

/* ---- libuv, by the linker's --wrap ---- */

int __wrap_uv_timer_start(
	uv_timer_t *timer, uv_timer_cb on_time, uint64_t after_ms, uint64_t repeat);
int __wrap_uv_timer_stop(uv_timer_t *timer);
int __wrap_uv_timer_again(uv_timer_t *timer);
void __wrap_uv_close(uv_handle_t *handle, uv_close_cb on_closed);
void __real_uv_close(uv_handle_t *handle, uv_close_cb on_closed);
int __wrap_uv_queue_work(
	uv_loop_t *loop, uv_work_t *work, uv_work_cb do_work, uv_after_work_cb on_done);

static void on_timer(void *owner)
{
	uv_timer_t *timer = owner;

	if (timer->repeat > 0)
		moment_at(now_ms + (int64_t)timer->repeat, on_timer, timer);
	timer->timer_cb(timer);
}

int __wrap_uv_timer_start(
	uv_timer_t *timer, uv_timer_cb on_time, uint64_t after_ms, uint64_t repeat)
{
	moment_cancel(timer);
	timer->timer_cb = on_time;
	timer->repeat = repeat;
	moment_at(now_ms + (int64_t)after_ms, on_timer, timer);
	return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *timer)
{
	moment_cancel(timer);
	return 0;
}

int __wrap_uv_timer_again(uv_timer_t *timer)
{
	return __wrap_uv_timer_start(timer, timer->timer_cb, timer->repeat, timer->repeat);
}

void __wrap_uv_close(uv_handle_t *handle, uv_close_cb on_closed)
{
	moment_cancel(handle);
	__real_uv_close(handle, on_closed);
}

static void on_work_done(void *owner)
{
	uv_work_t *work = owner;

	work->after_work_cb(work, 0);
}

int __wrap_uv_queue_work(
	uv_loop_t *loop, uv_work_t *work, uv_work_cb do_work, uv_after_work_cb on_done)
{
	work->loop = loop;
	work->after_work_cb = on_done;
	do_work(work);
	moment_at(now_ms, on_work_done, work);
	return 0;
}
