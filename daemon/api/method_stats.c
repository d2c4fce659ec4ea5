/* GET /stats: sums over the past, made by a worker thread and good for a minute. Whoever asks while
 * they are being made gets the same ones. What was learnt of builders is in memory, and is written
 * down before. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/api/method.h"
#include "daemon/stats/stats.h"
#include "io/clock.h"
#include "lib/mem.h"
#include "sched/estimate.h"

#define GOOD_FOR_MS 60000

struct waiter {
	struct waiter *next;
	struct request *request;
};

static struct {
	struct str text;    /* Empty: nothing was made yet. */
	int64_t made_at_ms; /* Monotonic. */
	struct waiter *waiters;
	bool is_running;
} sums;

struct making {
	uv_work_t work;
	char *database;
	struct json_out out;
	int rv;
	struct err err;
};

static void make(uv_work_t *work)
{
	struct making *m = CONTAINER_OF(work, struct making, work);

	m->rv = stats_make(m->database, clock_wall_ms(), &m->out, &m->err);
	json_out_end_object(&m->out);
}

static const struct answered *answer_sums(struct request *r)
{
	struct str copy = { 0 };

	str_add(&copy, str_text(&sums.text));
	return answer_text(r, 200, &copy);
}

static void on_made(uv_work_t *work, int status)
{
	struct making *m = CONTAINER_OF(work, struct making, work);

	(void)status;
	sums.is_running = false;
	if (m->rv == 0) {
		str_free(&sums.text);
		sums.text = m->out.text;
		sums.made_at_ms = clock_mono_ms();
	} else {
		str_free(&m->out.text);
	}
	for (struct waiter *w = sums.waiters, *next; w != NULL; w = next) {
		next = w->next;
		if (m->rv == 0)
			(void)answer_sums(w->request);
		else
			(void)answer_err(w->request, &m->err);
		free(w);
	}
	sums.waiters = NULL;
	free(m->database);
	free(m);
}

static void forget(void *owner)
{
	struct waiter **at = &sums.waiters;

	while (*at != owner)
		at = &(*at)->next;
	*at = (*at)->next;
	free(owner);
}

/* ---- builders ---- */

static const struct builder *configured(const struct pipeline *p, const char *name)
{
	const struct items *builders = &pipeline_settings(p)->builders;
	const struct builder *b = builders->items;

	for (size_t i = 0; i < builders->n; i++)
		if (strcmp(b[i].name, name) == 0)
			return &b[i];
	return NULL;
}

struct listing {
	const struct pipeline *p;
	struct json_out *out;
};

static void add_builder(void *owner, const char *name, size_t n)
{
	const struct listing *l = owner;
	const struct builder *b = configured(l->p, name);
	double factor = estimates_builder_factor(pipeline_estimates(l->p), name);
	int64_t speed = b == NULL ? 100 : b->speed;

	json_out_object(l->out, NULL);
	json_out_text(l->out, "name", name);
	if (b != NULL)
		json_out_int(l->out, "speed", speed);
	else
		json_out_null(l->out, "speed");
	json_out_int(l->out, "n", (int64_t)n);
	json_out_double(l->out, "factor", factor);
	json_out_double(l->out, "learnt_speed", (double)speed / factor);
	json_out_end_object(l->out);
}

static void add_builders(const struct pipeline *p, struct json_out *out)
{
	struct listing l = { p, out };

	json_out_array(out, "builders");
	estimates_each_builder(pipeline_estimates(p), add_builder, &l);
	json_out_end_array(out);
}

/* ---- the answer ---- */

static void start(struct pipeline *p)
{
	struct making *m = xcalloc(1, sizeof *m);

	m->database = str_format("%s/capqd.sqlite", pipeline_state_dir(p));
	json_out_object(&m->out, NULL);
	add_builders(p, &m->out);
	sums.is_running = true;
	if (uv_queue_work(pipeline_loop(p), &m->work, make, on_made) != 0)
		abort(); /* libuv has no reason to refuse. */
}

static const struct answered *run(struct request *r)
{
	struct waiter *waiter;

	if (sums.text.len > 0 && clock_mono_ms() - sums.made_at_ms < GOOD_FOR_MS)
		return answer_sums(r);
	waiter = xcalloc(1, sizeof *waiter);
	*waiter = (struct waiter){ sums.waiters, r };
	sums.waiters = waiter;
	if (!sums.is_running)
		start(request_pipeline(r));
	return answer_later(r, forget, waiter);
}

const struct method method_stats = {
	.name = "stats",
	.verb = "GET",
	.path = "/stats",
	.role = ROLE_READ,
	.query = "",
	.run = run,
};
