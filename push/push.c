/*   PLANNING --- there is a plan ---> UPLOADING --- every path is settled ---> CLOSING
 *       |                                                                        ^
 *       +--- it failed: so did every given path ---------------------------------+
 *
 * While UPLOADING each path of the closure is handed out by `order` once what it refers to is
 * settled. One that the cache has is settled at once; others are uploaded, some at a time. A path
 * whose turn has come may have to wait: another process has its lock, or there is no memory. It
 * stands in `waiting` then, and is tried again at the next step; for locks, which nobody tells us
 * about, a timer makes the steps. */
#include "push/push.h"

#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/launcher.h"
#include "lib/mem.h"
#include "push/api.h"
#include "push/budget.h"
#include "push/lock.h"
#include "push/options.h"
#include "push/order.h"
#include "push/plan.h"
#include "push/report.h"
#include "push/secrets.h"
#include "push/upload.h"

#define PROGRESS_MS 500 /* Between two progress events of a path. */
#define LOCK_POLL_MS 100

enum push_state {
	PLANNING,
	UPLOADING,
	CLOSING,
};

/* A path of the closure; its number is its place in plan.infos. */
struct item {
	struct push *push;
	const struct path_info *info;
	bool is_given, is_missing;
	bool is_settled; /* In the cache, failed, or left out: nothing more to do. */
	struct upload *upload;
	struct lock lock;
	int64_t started_us;
	uint64_t shown_nar, shown_file; /* In the last progress event. */
};

struct push {
	struct push_spec spec;
	enum push_state state;
	char *launcher;
	struct planning *planning; /* While PLANNING. */
	struct plan plan;
	struct fail fail; /* Why all of it ended early, if it did. */
	int status;

	struct order *order;
	struct item *items;
	size_t n_settled, n_running;
	size_t *waiting; /* Numbers of items whose turn has come. */
	size_t n_waiting;
	bool is_locked,
		is_full; /* At the last step: some path's lock was held, no memory was left. */

	struct budget budget;
	struct upload_shop shop;
	uint64_t missing_bytes, done_bytes; /* Of NARs. */
	uv_timer_t progress, poll;
	int open_handles; /* Of the two timers; at 0 this memory may go. */
};

static void push_step(struct push *push);

/* ---- the end ---- */

static void on_closed(uv_handle_t *timer)
{
	struct push *push = timer->data;

	if (--push->open_handles > 0)
		return;
	push->spec.on_done(push->spec.owner, push->status);
	order_destroy(push->order);
	plan_free(&push->plan);
	free(push->items);
	free(push->waiting);
	free(push->launcher);
	free(push);
}

static int status_of(const struct push *push)
{
	if (push->fail.class == FAIL_DENIED)
		return PUSH_DENIED;
	if (push->fail.class == FAIL_NETWORK)
		return PUSH_UNREACHABLE;
	return push->spec.report->n_failed > 0 ? PUSH_FAILED : PUSH_OK;
}

static void close_push(struct push *push)
{
	push->state = CLOSING;
	push->status = status_of(push);
	report_end(push->spec.report);
	uv_close((uv_handle_t *)&push->progress, on_closed);
	uv_close((uv_handle_t *)&push->poll, on_closed);
}

/* ---- what becomes of a path ---- */

static void settle(struct item *item)
{
	item->is_settled = true;
	item->push->n_settled++;
	if (item->is_missing)
		item->push->done_bytes += item->info->nar_size;
}

static void on_lost(void *owner, size_t number)
{
	const struct item *failed = owner;
	struct item *lost = &failed->push->items[number];
	struct fail fail = { 0 };

	settle(lost);
	fail_set(&fail, FAIL_REFERENCE, "%s, which it refers to, is not in the cache",
		failed->info->path);
	report_fail(lost->push->spec.report, lost->info->path, &fail);
}

/* It failed, and with it all that refer to it. */
static void lose(struct item *item, const struct fail *fail)
{
	struct push *push = item->push;

	settle(item);
	report_fail(push->spec.report, item->info->path, fail);
	order_lose(push->order, (size_t)(item - push->items), on_lost, item);
}

static void pass(struct item *item)
{
	settle(item);
	order_settle(item->push->order, (size_t)(item - item->push->items));
}

static void on_uploaded(void *owner, enum upload_outcome outcome, const struct fail *fail)
{
	struct item *item = owner;
	struct push *push = item->push;
	uint64_t nar_bytes, file_bytes;

	upload_progress(item->upload, &nar_bytes, &file_bytes);
	item->upload = NULL;
	push->n_running--;
	lock_release(&item->lock);
	switch (outcome) {
	case UPLOAD_DONE:
		report_done(push->spec.report, item->info->path, nar_bytes, file_bytes,
			clock_mono_us() - item->started_us);
		pass(item);
		break;
	case UPLOAD_UNNEEDED:
		report_skip(push->spec.report, item->info->path, "another process pushed it");
		pass(item);
		break;
	case UPLOAD_FAILED:
		lose(item, fail);
		if (fail->class == FAIL_DENIED) /* The next one would hear the same. */
			fail_set(&push->fail, FAIL_DENIED, "%s", fail->err.text);
		break;
	}
	push_step(push);
}

/* ---- the turn of a path ---- */

/* Lock it if that is wanted. False: not now, or never (then it is lost). */
static bool lock_item(struct item *item)
{
	struct push *push = item->push;
	const char *directory = push->spec.options->lock_dir;
	struct fail fail = { 0 };
	struct err err;
	int rv;

	if (directory == NULL)
		return true;
	rv = lock_take(directory, item->info->path, &item->lock, &err);
	if (rv == CAPQ_EBUSY) {
		push->is_locked = true;
	} else if (rv < 0) {
		fail_set(&fail, FAIL_STORE, "%s", err.text);
		lose(item, &fail);
	}
	return rv == 0;
}

static void start_upload(struct item *item)
{
	struct push *push = item->push;
	struct upload_spec spec = {
		.info = item->info,
		/* Whoever had the lock before us may have pushed it since we asked. */
		.asks_first = item->lock.file != NULL,
		.on_done = on_uploaded,
		.owner = item,
	};

	item->upload = upload_start(&push->shop, &spec);
	if (item->upload == NULL) {
		push->is_full = true;
		lock_release(&item->lock);
		return;
	}
	item->started_us = clock_mono_us();
	push->n_running++;
	report_start(push->spec.report, item->info->path, item->info->nar_size);
}

/* Upload it, unless that is not needed or not possible. Returns false when it has to wait. */
static bool take_turn(struct item *item)
{
	struct push *push = item->push;
	const struct options *options = push->spec.options;
	struct report *report = push->spec.report;
	struct fail fail = { 0 };

	if (!item->info->is_valid) {
		fail_set(&fail, FAIL_STORE, "it is not valid: Nix does not have it");
		lose(item, &fail);
		return true;
	}
	if (item->is_missing && options->is_dry_run)
		report_missing(report, item->info->path);
	if (!item->is_missing || options->is_dry_run) {
		if (item->is_given)
			report_skip(report, item->info->path,
				item->is_missing ? "dry run" : "in the cache already");
		pass(item);
		return true;
	}
	if (lock_item(item))
		start_upload(item);
	return item->upload != NULL || item->is_settled;
}

static bool may_start(const struct push *push)
{
	return push->n_running < (size_t)push->spec.options->jobs && !push->is_full;
}

/* Those that waited, then those whose turn has come since. */
static void take_turns(struct push *push)
{
	size_t n = push->n_waiting, number;

	push->n_waiting = 0;
	push->is_locked = push->is_full = false;
	for (size_t i = 0; i < n; i++)
		if (!may_start(push) || !take_turn(&push->items[push->waiting[i]]))
			push->waiting[push->n_waiting++] = push->waiting[i];
	while (may_start(push) && order_next(push->order, &number))
		if (!take_turn(&push->items[number]))
			push->waiting[push->n_waiting++] = number;
}

/* ---- the step ---- */

/* The given paths that nothing was said of yet. */
static void fail_the_rest(struct push *push)
{
	for (size_t i = 0; i < push->spec.n_paths; i++) {
		const struct path_info *info =
			path_infos_find(&push->plan.infos, push->spec.paths[i]);

		if (info == NULL || !push->items[info - push->plan.infos.items].is_settled)
			report_fail(push->spec.report, push->spec.paths[i], &push->fail);
	}
}

static void stop_uploads(struct push *push)
{
	for (size_t i = 0; i < push->plan.infos.n; i++)
		if (push->items[i].upload != NULL)
			upload_stop(push->items[i].upload, &push->fail);
}

/* It ended early, and nothing is under way any more. */
static void end_early(struct push *push)
{
	fail_the_rest(push);
	close_push(push);
}

static void on_poll(uv_timer_t *poll)
{
	push_step(poll->data);
}

static void push_step(struct push *push)
{
	switch (push->state) {
	case PLANNING:
		return; /* on_planned() will wake us. */
	case UPLOADING:
		if (push->fail.class != FAIL_NONE) {
			stop_uploads(push);
			if (push->n_running == 0)
				end_early(push);
			return; /* Else on_uploaded() will wake us. */
		}
		take_turns(push);
		if (push->n_settled == push->plan.infos.n)
			close_push(push);
		else if (push->is_locked)
			uv_timer_start(&push->poll, on_poll, LOCK_POLL_MS, 0);
		return;
	case CLOSING:
		return;
	}
}

/* ---- from the plan to the uploads ---- */

static void on_progress(uv_timer_t *progress)
{
	struct push *push = progress->data;
	struct report *report = push->spec.report;
	uint64_t nar_bytes = push->done_bytes;

	for (size_t i = 0; i < push->plan.infos.n; i++) {
		struct item *item = &push->items[i];
		uint64_t nar, file;

		if (item->upload == NULL)
			continue;
		upload_progress(item->upload, &nar, &file);
		nar_bytes += nar;
		if (nar != item->shown_nar || file != item->shown_file)
			report_progress(report, item->info->path, nar, file);
		item->shown_nar = nar;
		item->shown_file = file;
	}
	report_status(report, push->n_settled, push->plan.infos.n, nar_bytes, push->missing_bytes);
}

static void make_items(struct push *push)
{
	const struct path_infos *infos = &push->plan.infos;

	push->items = xcalloc(infos->n, sizeof *push->items);
	push->waiting = xcalloc(infos->n, sizeof *push->waiting);
	for (size_t i = 0; i < infos->n; i++)
		push->items[i] = (struct item){
			.push = push,
			.info = &infos->items[i],
			.is_missing = push->plan.is_missing[i] && infos->items[i].is_valid,
			.lock = LOCK_NONE,
		};
	for (size_t i = 0; i < push->spec.n_paths; i++) {
		const struct path_info *info = path_infos_find(infos, push->spec.paths[i]);

		if (info != NULL)
			push->items[info - infos->items].is_given = true;
	}
}

static void make_order(struct push *push)
{
	const struct path_infos *infos = &push->plan.infos;
	struct err err;

	push->order = order_create(infos->n);
	for (size_t i = 0; i < infos->n; i++) {
		const struct path_info *info = &infos->items[i];

		for (size_t k = 0; k < info->n_references; k++) {
			const struct path_info *reference =
				path_infos_find(infos, info->references[k]);

			if (reference != NULL) /* With --no-closure it may not be ours. */
				order_add(push->order, i, (size_t)(reference - infos->items));
		}
	}
	if (order_check(push->order, &err) < 0)
		fail_set(&push->fail, FAIL_STORE, "%s", err.text);
}

static void make_shop(struct push *push)
{
	const struct options *options = push->spec.options;
	enum compress_method method = options->is_auto ? push->plan.preferred : options->method;
	const struct compress_names *names = compress_names(method);
	int level = options->level < 0 ? names->level : (int)options->level;

	push->budget.size = (uint64_t)options->memory;
	push->shop = (struct upload_shop){
		.loop = push->spec.api->loop,
		.api = push->spec.api,
		.budget = &push->budget,
		.key = push->spec.api->secrets->key,
		.method = method,
		/* With "auto" the level may be meant for the other method. */
		.level = level > names->max_level ? names->max_level : level,
	};
}

static void report_the_plan(struct push *push)
{
	size_t n_missing = 0;

	for (size_t i = 0; i < push->plan.infos.n; i++) {
		if (push->items[i].is_missing) {
			n_missing++;
			push->missing_bytes += push->items[i].info->nar_size;
		}
	}
	report_plan(push->spec.report, push->plan.infos.n, n_missing, push->missing_bytes);
}

static void on_planned(void *owner, struct plan *plan, const struct fail *fail)
{
	struct push *push = owner;

	push->planning = NULL;
	push->plan = *plan;
	*plan = (struct plan){ 0 };
	if (fail->class != FAIL_NONE) {
		fail_set(&push->fail, fail->class, "%s", fail->err.text);
		end_early(push);
		return;
	}
	make_items(push);
	make_order(push);
	make_shop(push);
	report_the_plan(push);
	push->state = UPLOADING;
	uv_timer_start(&push->progress, on_progress, PROGRESS_MS, PROGRESS_MS);
	push_step(push);
}

/* ---- public ---- */

int push_start(const struct push_spec *spec, struct push **out, struct err *err)
{
	struct push *push = xcalloc(1, sizeof *push);
	struct plan_spec plan = {
		.api = spec->api,
		.key = spec->api->secrets->key,
		.paths = spec->paths,
		.n_paths = spec->n_paths,
		.is_shallow = spec->options->is_shallow,
		.on_done = on_planned,
		.owner = push,
	};
	int rv = launcher_find(&push->launcher, err);

	push->spec = *spec;
	plan.launcher = push->launcher;
	if (rv == 0)
		rv = plan_start(&plan, &push->planning, err);
	if (rv < 0) {
		free(push->launcher);
		free(push);
		return rv;
	}
	uv_timer_init(spec->api->loop, &push->progress);
	uv_timer_init(spec->api->loop, &push->poll);
	push->progress.data = push->poll.data = push;
	push->open_handles = 2;
	*out = push;
	return 0;
}

void push_stop(struct push *push, const char *why)
{
	fail_set(&push->fail, FAIL_STOPPED, "%s", why);
	if (push->state == PLANNING)
		plan_stop(push->planning, why);
	else
		push_step(push);
}
