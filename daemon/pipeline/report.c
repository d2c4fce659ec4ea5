/* Report: how large is what was built, and what is thrown away with time.
 *
 * Sizes are asked for behind everything else: the outputs of what was built in the last second or
 * so together, by one nix-store. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/build_log.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/attempt.h"
#include "daemon/store/batch.h"
#include "daemon/store/build.h"
#include "daemon/store/event.h"
#include "io/capture.h"
#include "io/clock.h"
#include "lib/json.h"

#define SIZES_MAX 100 /* History rows asked about at once. */
#define TRIM_TICKS 60 /* Old things are looked for once a minute, */
#define TRIM_MAX 2000 /* so many at a time. */
#define ANSWERS_MS (24 * 60 * 60 * 1000)
#define CHECKPOINT_TICKS 10

/* Paths of one history row. */
struct sized {
	int64_t history_id;
	struct argv paths;
};

struct report {
	struct pipeline *p;
	struct sized *waiting;
	size_t n_waiting, capacity;
	struct sized *asked; /* By the process that runs; NULL: none does. */
	size_t n_asked;
	uv_work_t checkpoint;
	bool checkpoint_runs;
};

/* ---- sizes ---- */

void report_history(struct pipeline *p, int64_t history_id, const char *outputs)
{
	struct report *r = p->report;
	cleanup_json struct json *json = NULL;
	struct sized *s;

	if (outputs == NULL || json_parse(outputs, strlen(outputs), &json, NULL) < 0)
		return;
	array_reserve(&r->waiting, &r->capacity, r->n_waiting + 1, sizeof *r->waiting);
	s = &r->waiting[r->n_waiting++];
	memset(s, 0, sizeof *s);
	s->history_id = history_id;
	for (const struct json *v = json_first(json); v != NULL; v = json_next(v))
		argv_add(&s->paths, json_text(v));
}

struct sizes {
	int64_t *ids, *bytes;
	size_t n;
};

static void write_sizes(struct pipeline *p, void *data)
{
	const struct sizes *s = data;

	for (size_t i = 0; i < s->n; i++)
		store_history_set_bytes(p->store, s->ids[i], s->bytes[i]);
}

static void free_sizes(void *data)
{
	struct sizes *s = data;

	free(s->ids);
	free(s->bytes);
	free(s);
}

static void free_asked(struct report *r)
{
	for (size_t i = 0; i < r->n_asked; i++)
		argv_finish(&r->asked[i].paths);
	free(r->asked);
	r->asked = NULL;
	r->n_asked = 0;
}

/* One number a path, in their order. Paths that were collected meanwhile make it fail as a whole;
 * then these sizes stay unknown. */
static void on_sizes(void *owner, const char *message, const char *out)
{
	struct report *r = owner;
	struct sizes *s = xcalloc(1, sizeof *s);
	char *at = (char *)out;

	s->ids = xcalloc(r->n_asked, sizeof *s->ids);
	s->bytes = xcalloc(r->n_asked, sizeof *s->bytes);
	for (size_t i = 0; message == NULL && i < r->n_asked; i++) {
		s->ids[i] = r->asked[i].history_id;
		for (size_t k = 0; k < r->asked[i].paths.n; k++)
			s->bytes[i] += strtoll(at, &at, 10);
		s->n = i + 1;
	}
	free_asked(r);
	pipeline_post(r->p, write_sizes, s, free_sizes);
}

static void ask_sizes(struct report *r)
{
	cleanup_argv struct argv argv = { 0 };
	struct capture_spec spec = {
		.name = "nix-store",
		.env = argv_words(&r->p->nix.env),
		.timeout_ms = 60000,
		.on_done = on_sizes,
		.owner = r,
	};
	struct capture *capture;
	struct err err;

	r->n_asked = r->n_waiting < SIZES_MAX ? r->n_waiting : SIZES_MAX;
	r->asked = xcalloc(r->n_asked, sizeof *r->asked);
	memcpy(r->asked, r->waiting, r->n_asked * sizeof *r->asked);
	r->n_waiting -= r->n_asked;
	memmove(r->waiting, r->waiting + r->n_asked, r->n_waiting * sizeof *r->waiting);
	argv_add_all(&argv, (const char *const[]){ "nix-store", "-q", "--size", NULL });
	for (size_t i = 0; i < r->n_asked; i++)
		argv_add_all(&argv, argv_words(&r->asked[i].paths));
	spec.argv = argv_words(&argv);
	if (capture_start(&r->p->children, &spec, &capture, &err) < 0) {
		log_unusual("sizes: %s", err.text);
		free_asked(r);
	}
}

/* ---- what is thrown away ---- */

static void remove_log(void *owner, int64_t attempt_id)
{
	struct pipeline *p = owner;

	build_log_remove(p->log_dir, attempt_id);
	store_log_gone(p->store, attempt_id);
}

static void write_trim(struct pipeline *p, void *data)
{
	int64_t now = clock_wall_ms();

	(void)data;
	(void)store_events_trim(p->store, now - p->settings->keep.events_ms, TRIM_MAX);
	store_answers_trim(p->store, now - ANSWERS_MS, TRIM_MAX);
	store_logs_before(p->store, now - p->settings->keep.logs_ms, TRIM_MAX / 10, remove_log, p);
}

/* ---- the write-ahead log ---- */

static void do_checkpoint(uv_work_t *work)
{
	struct report *r = CONTAINER_OF(work, struct report, checkpoint);
	cleanup_free char *path = str_format("%s/capqd.sqlite", r->p->state_dir);
	struct err err;

	if (store_checkpoint(path, &err) < 0)
		log_unusual("%s", err.text);
}

static void on_checkpoint(uv_work_t *work, int status)
{
	struct report *r = CONTAINER_OF(work, struct report, checkpoint);

	(void)status;
	r->checkpoint_runs = false;
}

/* ---- life ---- */

bool report_is_idle(const struct pipeline *p)
{
	return !p->report->checkpoint_runs;
}

void report_tick(struct pipeline *p)
{
	struct report *r = p->report;

	if (r->n_waiting > 0 && r->asked == NULL)
		ask_sizes(r);
	if (p->ticks % TRIM_TICKS == TRIM_TICKS - 1)
		pipeline_post(p, write_trim, NULL, NULL);
	if (p->ticks % CHECKPOINT_TICKS == 0 && !r->checkpoint_runs) {
		r->checkpoint_runs = true;
		if (uv_queue_work(p->loop, &r->checkpoint, do_checkpoint, on_checkpoint) != 0)
			abort(); /* libuv has no reason to refuse. */
	}
}

void report_start(struct pipeline *p)
{
	p->report = xcalloc(1, sizeof *p->report);
	p->report->p = p;
}

void report_finish(struct pipeline *p)
{
	struct report *r = p->report;

	if (r == NULL)
		return;
	free_asked(r);
	for (size_t i = 0; i < r->n_waiting; i++)
		argv_finish(&r->waiting[i].paths);
	free(r->waiting);
	free(r);
}
