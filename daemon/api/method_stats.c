/* GET /stats: sums over the past, made by a worker thread and good for a minute. Whoever asks while
 * they are being made gets the same ones. */
#include <stdlib.h>
#include <uv.h>

#include "daemon/api/method.h"
#include "daemon/stats/stats.h"
#include "io/clock.h"
#include "lib/mem.h"

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

static void start(struct pipeline *p)
{
	struct making *m = xcalloc(1, sizeof *m);

	m->database = str_format("%s/capqd.sqlite", pipeline_state_dir(p));
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
