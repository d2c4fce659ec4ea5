/* Each path of the closure gets its turn in the plan's order, references first, as soon as there is
 * room: then it is uploaded. It becomes free when all that it refers to is settled: only then it is
 * completed, so that many paths are on their way at a time, however they refer to each other, and
 * yet whatever can be seen in the cache is whole. One that the cache has is settled when it is
 * free.
 *
 * A path whose turn has come may have to wait: all jobs are busy, there is no memory, or another
 * process has its lock. It stands in `waiting` then and is tried again at the next step, which the
 * end of an upload makes; for locks, which nobody tells us about, a timer does. An upload that is
 * sent and not free keeps no job busy and no memory, so those that it waits for always go on.
 *
 * A path that fails takes along those that refer to it, and nobody else. What would happen to all
 * (the cache does not let us; a signal) ends the uploads early. */
#include "push/uploads.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "io/clock.h"
#include "lib/mem.h"
#include "push/api.h"
#include "push/budget.h"
#include "push/journal.h"
#include "push/lock.h"
#include "push/options.h"
#include "push/order.h"
#include "push/plan.h"
#include "push/report.h"
#include "push/secrets.h"
#include "push/shop.h"
#include "push/upload.h"

#define LOCK_POLL_MS 100

#define CONNECTIONS_MEMORY (UINT64_C(8) << 20)
#define MEMORY_MIN (UINT64_C(8) << 20) /* With less, no part could be sent. */
#define WORKERS_MAX 8                  /* More would wait for the hash of the NAR. */

/* A path of the closure; its number is its place in the plan. */
struct item {
	struct uploads *uploads;
	const struct path_info *info;
	bool is_given, is_missing;
	enum choice choice;
	bool is_settled;   /* In the cache, failed, or left out: nothing more to do. */
	bool is_free;      /* All that it refers to is in the cache. */
	bool is_passed_by; /* It had its turn, and needs no upload. */
	bool is_sent;      /* Its upload waits until it is free. */
	struct upload *upload;
	struct lock lock;
	int64_t started_us;
	uint64_t shown_nar, shown_file; /* In the last progress event. */
};

struct uploads {
	struct uploads_spec spec;
	struct order *order;
	struct fail fail; /* Why all of it ends early, if it does. */
	bool is_closing;

	struct item *items;
	size_t n_items, n_settled;
	size_t n_running; /* Uploads. */
	size_t n_busy;    /* Those of them that keep a job busy. */
	size_t *waiting;  /* Numbers of items whose turn has come. */
	size_t n_waiting;
	bool is_locked, is_full; /* At the last step: a lock was held, no memory was left. */

	struct budget budget;
	struct shop shop;
	struct plan_sum settled; /* Of what was to be pushed. */
	uv_timer_t progress, poll;
	int open_handles; /* Of the two timers; at 0 this memory may go. */
};

static void uploads_step(struct uploads *uploads);

/* ---- what becomes of a path ---- */

static void settle(struct item *item)
{
	item->is_settled = true;
	item->uploads->n_settled++;
	if (!item->is_missing || item->choice != CHOICE_TAKE)
		return;
	item->uploads->settled.n++;
	item->uploads->settled.nar_bytes += item->info->nar_size;
}

/* In the cache: whoever refers to it may go on. */
static void pass(struct item *item)
{
	settle(item);
	order_settle(item->uploads->order, (size_t)(item - item->uploads->items));
}

static void on_lost(void *owner, size_t number)
{
	const struct item *failed = owner;
	struct item *lost = &failed->uploads->items[number];
	struct fail fail = { 0 };

	fail_set(&fail, FAIL_REFERENCE, "%s, which it refers to, is not in the cache",
		failed->info->path);
	if (lost->upload != NULL)
		upload_stop(lost->upload, &fail); /* on_uploaded() does the rest. */
	if (lost->upload != NULL || lost->is_settled)
		return;
	settle(lost);
	if (lost->is_given || lost->is_missing)
		report_fail(lost->uploads->spec.report, lost->info->path, &fail);
}

/* It failed, and with it all that refer to it; unless everything ends, for a reason of its own. */
static void lose(struct item *item, const struct fail *fail)
{
	struct uploads *uploads = item->uploads;

	settle(item);
	report_fail(uploads->spec.report, item->info->path, fail);
	if (uploads->fail.class == FAIL_NONE)
		order_lose(uploads->order, (size_t)(item - uploads->items), on_lost, item);
}

/* It may be long until it is free; others may use its job meanwhile. */
static void on_waiting(void *owner)
{
	struct item *item = owner;

	item->is_sent = true;
	item->uploads->n_busy--;
	uploads_step(item->uploads);
}

static void on_uploaded(void *owner, const struct upload_end *end)
{
	struct item *item = owner;
	struct uploads *uploads = item->uploads;

	item->upload = NULL;
	uploads->n_running--;
	uploads->n_busy -= !item->is_sent;
	lock_release(&item->lock);
	switch (end->outcome) {
	case UPLOAD_DONE:
		report_done(uploads->spec.report, item->info->path, end->nar_bytes, end->file_bytes,
			clock_mono_us() - item->started_us);
		pass(item);
		break;
	case UPLOAD_UNNEEDED:
		report_skip(uploads->spec.report, item->info->path, "another process pushed it");
		pass(item);
		break;
	case UPLOAD_FAILED:
		if (end->fail.class == FAIL_DENIED) /* The next one would hear the same. */
			fail_set(&uploads->fail, FAIL_DENIED, "%s", end->fail.err.text);
		lose(item, &end->fail);
		break;
	}
	uploads_step(uploads);
}

/* ---- the turn of a path ---- */

/* Lock it if that is wanted. False: not now, or never (then it is lost). */
static bool lock_item(struct item *item)
{
	const char *directory = item->uploads->spec.options->lock_dir;
	struct fail fail = { 0 };
	struct err err;
	int rv;

	if (directory == NULL)
		return true;
	rv = lock_take(directory, item->info->path, &item->lock, &err);
	if (rv == CAPQ_EBUSY) {
		item->uploads->is_locked = true;
	} else if (rv < 0) {
		fail_set(&fail, FAIL_STORE, "%s", err.text);
		lose(item, &fail);
	}
	return rv == 0;
}

static void start_upload(struct item *item)
{
	struct uploads *uploads = item->uploads;
	struct upload_spec spec = {
		.info = item->info,
		/* Whoever had the lock before us may have pushed it since the plan was made. */
		.asks_first = item->lock.file != NULL,
		.is_free = item->is_free,
		.on_waiting = on_waiting,
		.on_done = on_uploaded,
		.owner = item,
	};

	item->upload = upload_start(&uploads->shop, &spec);
	if (item->upload == NULL) {
		uploads->is_full = true;
		lock_release(&item->lock);
		return;
	}
	item->started_us = clock_mono_us();
	uploads->n_running++;
	uploads->n_busy++;
	report_start(uploads->spec.report, item->info->path, item->info->nar_size);
}

/* A path that needs no upload, or gets none. */
static void skip(struct item *item)
{
	struct report *report = item->uploads->spec.report;

	if (item->is_missing)
		report_missing(report, item->info->path, item->info->nar_size);
	if (item->is_given)
		report_skip(report, item->info->path,
			item->is_missing ? "dry run" : "in the cache already");
	pass(item);
}

/* The cache lacks it, and the user does not want it there. Who refers to it goes on. */
static void leave_out(struct item *item)
{
	const struct uploads_spec *spec = &item->uploads->spec;
	char why[ERR_TEXT_MAX];

	choice_describe(&spec->options->choice, item->info, item->choice, why, sizeof why);
	report_left_out(spec->report, item->info->path, item->is_given, item->choice, why);
	pass(item);
}

static bool needs_no_upload(const struct item *item)
{
	return !item->is_missing || item->choice != CHOICE_TAKE ||
	       item->uploads->spec.options->is_dry_run;
}

static void pass_by(struct item *item)
{
	if (item->is_missing && item->choice != CHOICE_TAKE)
		leave_out(item);
	else
		skip(item);
}

/* False: it has to wait. */
static bool take_turn(struct item *item)
{
	struct fail fail = { 0 };

	if (!item->info->is_valid) {
		fail_set(&fail, FAIL_STORE, "it is not valid: Nix does not have it");
		lose(item, &fail);
	} else if (needs_no_upload(item)) {
		item->is_passed_by = true;
		if (item->is_free)
			pass_by(item);
	} else if (lock_item(item)) {
		start_upload(item);
	}
	return item->upload != NULL || item->is_passed_by || item->is_settled;
}

static bool may_start(const struct uploads *uploads)
{
	return uploads->n_busy < (size_t)uploads->spec.options->jobs && !uploads->is_full;
}

/* Those that waited, then those whose turn has come since. */
static void take_turns(struct uploads *uploads)
{
	size_t n = uploads->n_waiting, number;

	uploads->n_waiting = 0;
	uploads->is_locked = uploads->is_full = false;
	for (size_t i = 0; i < n; i++) {
		number = uploads->waiting[i];
		if (!may_start(uploads) || !take_turn(&uploads->items[number]))
			uploads->waiting[uploads->n_waiting++] = number;
	}
	while (may_start(uploads) && order_next(uploads->order, &number))
		if (!take_turn(&uploads->items[number]))
			uploads->waiting[uploads->n_waiting++] = number;
}

/* Those that have become free since. */
static void note_free(struct uploads *uploads)
{
	size_t number;

	while (order_next_free(uploads->order, &number)) {
		struct item *item = &uploads->items[number];

		item->is_free = true;
		if (item->upload != NULL)
			upload_release(item->upload);
		else if (item->is_passed_by)
			pass_by(item);
	}
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *timer)
{
	struct uploads *uploads = timer->data;

	if (--uploads->open_handles > 0)
		return;
	journal_close(uploads->shop.journal);
	uploads->spec.on_done(uploads->spec.owner, &uploads->fail);
	order_destroy(uploads->order);
	free(uploads->items);
	free(uploads->waiting);
	free(uploads);
}

/* Stop what runs; when nothing does any more, say why of the given paths that are left, if any. */
static void end_uploads(struct uploads *uploads)
{
	for (size_t i = 0; i < uploads->n_items; i++)
		if (uploads->items[i].upload != NULL)
			upload_stop(uploads->items[i].upload, &uploads->fail);
	if (uploads->n_running > 0)
		return; /* on_uploaded() will wake us. */
	for (size_t i = 0; i < uploads->n_items; i++)
		if (uploads->items[i].is_given && !uploads->items[i].is_settled)
			report_fail(
				uploads->spec.report, uploads->items[i].info->path, &uploads->fail);
	uploads->is_closing = true;
	uv_close((uv_handle_t *)&uploads->progress, on_closed);
	uv_close((uv_handle_t *)&uploads->poll, on_closed);
}

/* ---- the step ---- */

static void on_poll(uv_timer_t *poll)
{
	uploads_step(poll->data);
}

static void uploads_step(struct uploads *uploads)
{
	if (uploads->is_closing)
		return;
	if (uploads->fail.class != FAIL_NONE) {
		end_uploads(uploads);
		return;
	}
	take_turns(uploads);
	note_free(uploads);
	if (uploads->is_locked)
		uv_timer_start(&uploads->poll, on_poll, LOCK_POLL_MS, 0);
	if (uploads->n_running > 0 || uploads->n_waiting > 0)
		return;
	if (uploads->n_settled < uploads->n_items) /* Nix has no such paths. */
		fail_set(&uploads->fail, FAIL_STORE, "the paths refer to each other in a circle");
	end_uploads(uploads);
}

static void on_progress(uv_timer_t *progress)
{
	struct uploads *uploads = progress->data;
	struct report *report = uploads->spec.report;
	const struct plan_sum *all = &uploads->spec.plan->sums[CHOICE_TAKE];
	uint64_t nar_bytes = uploads->settled.nar_bytes, nar, file;

	for (size_t i = 0; i < uploads->n_items; i++) {
		struct item *item = &uploads->items[i];

		if (item->upload == NULL)
			continue;
		upload_progress(item->upload, &nar, &file);
		nar_bytes += nar;
		if (report->watch.is_drawn || nar != item->shown_nar || file != item->shown_file)
			report_progress(report, item->info->path, nar, file);
		item->shown_nar = nar;
		item->shown_file = file;
	}
	report_status(report, uploads->settled.n, all->n, nar_bytes, all->nar_bytes);
}

/* ---- public ---- */

static void make_items(struct uploads *uploads)
{
	const struct plan *plan = uploads->spec.plan;

	uploads->n_items = plan->infos.n;
	uploads->items = xcalloc(plan->infos.n, sizeof *uploads->items);
	uploads->waiting = xcalloc(plan->infos.n, sizeof *uploads->waiting);
	uploads->order = plan_order(plan);
	for (size_t i = 0; i < plan->infos.n; i++)
		uploads->items[i] = (struct item){
			.uploads = uploads,
			.info = &plan->infos.items[i],
			.is_given = plan->is_given[i],
			.is_missing = plan->is_missing[i],
			.choice = plan->choices[i],
			.lock = LOCK_NONE,
		};
}

/* What parts and compressors may take: what the process takes already does not count, and some is
 * left for the connections. */
static uint64_t memory_left(const struct uploads *uploads)
{
	uint64_t memory = (uint64_t)uploads->spec.options->memory;
	uint64_t taken = CONNECTIONS_MEMORY;
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		taken += (uint64_t)usage.ru_maxrss << 10;
	return taken + MEMORY_MIN < memory ? memory - taken : MEMORY_MIN;
}

/* Threads that compress one large path, if that takes no more than a third of the memory. */
static unsigned choose_workers(const struct shop *shop)
{
	struct compress_spec spec = {
		.method = shop->method,
		.level = shop->level,
		.workers = uv_available_parallelism(),
		.size = UINT64_MAX / 2,
	};

	if (spec.workers > WORKERS_MAX)
		spec.workers = WORKERS_MAX;
	return compress_memory(&spec) > shop->budget->size / 3 ? 0 : spec.workers;
}

static void make_shop(struct uploads *uploads)
{
	const struct options *options = uploads->spec.options;
	enum compress_method method =
		options->is_auto ? uploads->spec.plan->preferred : options->method;
	const struct compress_names *names = compress_names(method);
	int level = options->level < 0 ? names->level : (int)options->level;

	uploads->budget.size = memory_left(uploads);
	uploads->shop = (struct shop){
		.loop = uploads->spec.api->loop,
		.api = uploads->spec.api,
		.budget = &uploads->budget,
		.journal = journal_open(uploads->spec.journal_dir, uploads->spec.api->cache_url),
		.key = uploads->spec.api->secrets->key,
		.method = method,
		/* With "auto" the level may have been meant for the other method. */
		.level = level > names->max_level ? names->max_level : level,
	};
	uploads->shop.workers = choose_workers(&uploads->shop);
}

struct uploads *uploads_start(const struct uploads_spec *spec)
{
	struct uploads *uploads = xcalloc(1, sizeof *uploads);
	uint64_t interval_ms = report_interval_ms(spec->report);

	uploads->spec = *spec;
	make_items(uploads);
	make_shop(uploads);
	uv_timer_init(spec->api->loop, &uploads->progress);
	uv_timer_init(spec->api->loop, &uploads->poll);
	uploads->progress.data = uploads->poll.data = uploads;
	uploads->open_handles = 2;
	if (interval_ms > 0)
		uv_timer_start(&uploads->progress, on_progress, interval_ms, interval_ms);
	uploads_step(uploads);
	return uploads;
}

void uploads_stop(struct uploads *uploads, const char *why)
{
	fail_set(&uploads->fail, FAIL_STOPPED, "%s", why);
	uploads_step(uploads);
}
