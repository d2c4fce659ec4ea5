/* GET /export/trace and GET /export/history: the past as capq-sim reads it.
 *
 * What the order of a trace rests on is looked for by a worker thread; rows are written as they are
 * read, a few at a time, so that nobody else waits for long. */
#include <stdlib.h>
#include <uv.h>

#include "daemon/api/method.h"
#include "daemon/api/sse.h"
#include "daemon/stats/trace.h"
#include "lib/mem.h"
#include "lib/time_text.h"

#define ROWS_AT_ONCE 50
#define TRIES_MAX 20
#define TRACES_MAX 4 /* At a time: each takes some 100 bytes of memory for each build. */
#define CSV_TYPE "text/csv; charset=utf-8"

static int n_traces;

struct exporting {
	uv_work_t work;
	struct request *request; /* While it is being made; NULL: the client is gone. */
	struct pipeline *p;
	char *database;
	int64_t since_ms;
	struct trace *trace; /* NULL: it is the history. */
	struct trace_history history;
	struct csv_out out; /* What was written and not read yet. */
	bool ended;
	int rv;
	struct err err;
};

static struct exporting *exporting_create(struct request *r, int64_t since_ms)
{
	struct exporting *e = xcalloc(1, sizeof *e);

	e->request = r;
	e->p = request_pipeline(r);
	e->since_ms = e->history.since_ms = since_ms;
	return e;
}

static void exporting_destroy(void *owner)
{
	struct exporting *e = owner;

	if (e->database != NULL)
		n_traces--;
	trace_destroy(e->trace);
	str_free(&e->out.text);
	free(e->database);
	free(e);
}

static double speed_of(void *owner, const char *builder)
{
	return pipeline_speed(owner, builder);
}

static bool add_more(struct exporting *e)
{
	struct store *store = pipeline_store(e->p);
	struct trace_speeds speeds = { speed_of, e->p };

	if (e->trace != NULL)
		return trace_next(e->trace, store, &speeds, ROWS_AT_ONCE, &e->out);
	return trace_history_next(&e->history, store, &speeds, ROWS_AT_ONCE, &e->out);
}

/* When many rows of history in a row are left out, it is asked again later. */
static size_t read_rows(void *owner, char *out, size_t size, bool *out_end)
{
	struct exporting *e = owner;

	for (int i = 0; i < TRIES_MAX && e->out.text.len == 0 && !e->ended; i++)
		e->ended = !add_more(e);
	*out_end = e->out.text.len == 0 && e->ended;
	return sse_take(&e->out.text, out, size);
}

static const struct answered *answer_rows(struct exporting *e)
{
	struct stream stream = { read_rows, exporting_destroy, e, true };

	return answer_stream(e->request, CSV_TYPE, STREAM_EVENTS, &stream);
}

/* ---- the trace ---- */

static void make(uv_work_t *work)
{
	struct exporting *e = CONTAINER_OF(work, struct exporting, work);

	e->rv = trace_make(e->database, e->since_ms, &e->trace, &e->err);
}

static void on_made(uv_work_t *work, int status)
{
	struct exporting *e = CONTAINER_OF(work, struct exporting, work);

	(void)status;
	if (e->request != NULL && e->rv == 0) {
		(void)answer_rows(e);
		return;
	}
	if (e->request != NULL)
		(void)answer_err(e->request, &e->err);
	exporting_destroy(e);
}

static void forget_request(void *owner)
{
	struct exporting *e = owner;

	e->request = NULL;
}

/* 0 when it is not given. */
static bool read_since(const struct request *r, int64_t *out, struct err *err)
{
	const char *text = request_query(r, "since");

	*out = 0;
	if (text == NULL || (time_from_rfc3339(text, out) && *out > 0))
		return true;
	(void)err_set(err, CAPQ_EINVAL, "'since' must be a time such as 2026-11-22T17:25:01.042Z");
	return false;
}

static const struct answered *run_trace(struct request *r)
{
	struct exporting *e;
	struct err err;
	int64_t since_ms;

	if (!read_since(r, &since_ms, &err))
		return answer_err(r, &err);
	if (n_traces == TRACES_MAX)
		return answer_problem(r, 503, "too many traces are being sent", NULL,
			"Try again when one of them is through.");
	e = exporting_create(r, since_ms);
	e->database = str_format("%s/capqd.sqlite", pipeline_state_dir(e->p));
	n_traces++;
	if (uv_queue_work(pipeline_loop(e->p), &e->work, make, on_made) != 0)
		abort(); /* libuv has no reason to refuse. */
	return answer_later(r, forget_request, e);
}

static const struct answered *run_history(struct request *r)
{
	struct err err;
	int64_t since_ms;

	if (!read_since(r, &since_ms, &err))
		return answer_err(r, &err);
	return answer_rows(exporting_create(r, since_ms));
}

const struct method method_export_trace = {
	.name = "exportTrace",
	.verb = "GET",
	.path = "/export/trace",
	.role = ROLE_READ,
	.query = "since",
	.run = run_trace,
};

const struct method method_export_history = {
	.name = "exportHistory",
	.verb = "GET",
	.path = "/export/history",
	.role = ROLE_READ,
	.query = "since",
	.run = run_history,
};
