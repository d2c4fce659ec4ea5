/* GET /jobs/{id}/log and /builds/{id}/log: a log as it is, a part of it, or as it grows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/api/range.h"
#include "daemon/api/sse.h"
#include "daemon/pipeline/build_log.h"
#include "daemon/store/attempt.h"
#include "daemon/store/build.h"
#include "daemon/store/job.h"
#include "daemon/store/plan.h"
#include "io/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define CHUNK (8u << 10)
#define HEARTBEAT_MS 15000
#define BUILDS_MAX 10000

/* ---- which build's log ---- */

struct choice {
	int64_t running, failed; /* 0: none. */
};

static void look_at(void *owner, const struct build *build)
{
	struct choice *c = owner;

	if (build->attempts == 0)
		return;
	if (build->state == BUILD_BUILDING)
		c->running = build->id;
	else if (build->failure != FAILURE_NONE && build->failure != FAILURE_DEPENDENCY)
		c->failed = build->id;
}

/* The build that runs for the job, else the one that failed, else its own; 0: it has none. */
static int64_t build_of_job(struct pipeline *p, const struct job *job)
{
	struct choice c = { 0 };

	if (job->build_id == 0)
		return 0;
	store_needs_closure(pipeline_store(p), job->build_id, BUILDS_MAX, look_at, &c);
	return c.running != 0 ? c.running : c.failed != 0 ? c.failed : job->build_id;
}

/* ---- as it is ---- */

struct plain {
	struct build_log_reader *reader;
	int64_t position, end;
};

static size_t read_plain(void *owner, char *out, size_t size, bool *out_end)
{
	struct plain *l = owner;
	int64_t left = l->end - l->position;
	size_t n;

	n = left <= 0 ? 0 : build_log_read(l->reader, &l->position, out, size);
	if (left > 0 && l->position > l->end && (int64_t)n > left)
		n = (size_t)left;
	*out_end = n == 0;
	return n;
}

static void close_plain(void *owner)
{
	struct plain *l = owner;

	build_log_reader_close(l->reader);
	free(l);
}

/* What part is asked for. A log with a hole has no offsets that Range could mean: it is sent whole.
 */
static bool read_part(
	struct request *r, struct build_log_reader *reader, struct range *out, struct err *err)
{
	int64_t size = build_log_size(reader), from, to, offset, tail;

	*out = (struct range){ 0, size, false };
	if (!build_log_hole(reader, &from, &to) &&
		range_parse(request_header(r, "Range"), size, out))
		return true;
	if (!request_query_int(r, "offset", 0, INT64_MAX, 0, &offset, err) ||
		!request_query_int(r, "tail", 0, INT64_MAX, -1, &tail, err))
		return false;
	out->from = offset;
	if (tail >= 0 && size - tail > out->from)
		out->from = size - tail;
	return true;
}

static const struct answered *answer_plain(
	struct request *r, struct build_log_reader *reader, bool is_complete)
{
	struct plain *l;
	struct range range;
	struct stream stream = { read_plain, close_plain, NULL, false };
	struct err err;
	char content[96];

	if (!read_part(r, reader, &range, &err)) {
		build_log_reader_close(reader);
		return answer_err(r, &err);
	}
	if (range.is_partial && range.from >= build_log_size(reader)) {
		build_log_reader_close(reader);
		return answer_problem(r, 416, "the log is shorter than that", NULL, NULL);
	}
	if (range.is_partial) {
		(void)snprintf(content, sizeof content, "bytes %" PRId64 "-%" PRId64 "/",
			range.from, range.to - 1);
		if (is_complete)
			(void)snprintf(content + strlen(content), sizeof content - strlen(content),
				"%" PRId64, build_log_size(reader));
		else
			strcat(content, "*");
		answer_header(r, "Content-Range", content);
		answer_status(r, 206);
	}
	l = xcalloc(1, sizeof *l);
	l->reader = reader;
	l->position = range.from;
	l->end = range.to;
	stream.owner = l;
	return answer_stream(r, "text/plain; charset=utf-8", STREAM_LOG, &stream);
}

/* ---- as it grows ---- */

struct follow {
	struct pipeline *p;
	int64_t job_id;   /* 0: of a build alone. */
	int64_t build_id; /* 0: none yet. */
	int64_t attempt_id;
	int number;
	struct build_log_reader *reader;
	int64_t position;
	struct str text;
	int64_t sent_ms;
	bool ended;
};

static void say_build(struct follow *f)
{
	struct json_out out = { 0 };
	struct build build;

	if (f->job_id == 0 || !store_build_get(pipeline_store(f->p), f->build_id, &build))
		return;
	json_out_object(&out, NULL);
	json_out_int(&out, "build", f->build_id);
	json_out_text(&out, "name", build.name);
	json_out_int(&out, "attempt", f->number);
	json_out_end_object(&out);
	sse_add(&f->text, "build", -1, str_text(&out.text));
	str_free(&out.text);
	build_finish(&build);
}

/* Open attempt `number` (0: the newest) of the build. False: it has none. */
static bool open_attempt(struct follow *f, int64_t build_id, int number)
{
	struct attempt attempt;
	struct build_log_reader *reader = NULL;

	if (!store_attempt_get(pipeline_store(f->p), build_id, number, &attempt))
		return false;
	if (attempt.id == f->attempt_id ||
		build_log_open(pipeline_log_directory(f->p), attempt.id, &reader, NULL) < 0) {
		attempt_finish(&attempt);
		return false;
	}
	build_log_reader_close(f->reader);
	f->reader = reader;
	f->build_id = build_id;
	f->attempt_id = attempt.id;
	f->number = attempt.number;
	f->position = 0;
	attempt_finish(&attempt);
	return true;
}

static bool attempt_runs(const struct follow *f)
{
	struct attempt attempt;
	bool runs;

	if (!store_attempt_get(pipeline_store(f->p), f->build_id, f->number, &attempt))
		return false;
	runs = attempt.finished_at == 0;
	attempt_finish(&attempt);
	return runs;
}

static void end(struct follow *f, const char *state)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	json_out_text(&out, "state", state);
	json_out_end_object(&out);
	sse_add(&f->text, "end", -1, str_text(&out.text));
	str_free(&out.text);
	f->ended = true;
}

/* A chunk that ends at a line's end as far as there is one: what is cut in the middle of a
 * character would be no text. */
static void add_chunk(struct follow *f)
{
	char bytes[CHUNK];
	int64_t position = f->position;
	size_t n = build_log_read(f->reader, &position, bytes, sizeof bytes), keep = n;
	struct json_out out = { 0 };

	while (keep > 0 && bytes[keep - 1] != '\n')
		keep--;
	if (keep == 0)
		keep = n;
	if (keep == 0)
		return;
	f->position = position - (int64_t)(n - keep);
	json_out_bytes(&out, NULL, bytes, keep);
	sse_add(&f->text, "chunk", f->job_id == 0 ? f->position : -1, str_text(&out.text));
	str_free(&out.text);
}

/* The log is at its end for now: go on to the job's next build, or end. */
static void look_further(struct follow *f)
{
	struct build build;
	struct job job;
	int64_t next;

	if (f->reader != NULL && attempt_runs(f))
		return;
	if (f->job_id == 0) {
		if (!store_build_get(pipeline_store(f->p), f->build_id, &build))
			return;
		if (build.state != BUILD_READY && build.state != BUILD_BUILDING &&
			build.state != BUILD_BLOCKED)
			end(f, build_state_name(build.state));
		else if (open_attempt(f, f->build_id, 0))
			say_build(f);
		build_finish(&build);
		return;
	}
	if (!store_job_get(pipeline_store(f->p), f->job_id, &job))
		return;
	next = build_of_job(f->p, &job);
	if (next != 0 && open_attempt(f, next, 0))
		say_build(f);
	else if (job_state_is_final(job.state) || job.state == JOB_PUSHING)
		end(f, job_state_name(job.state));
	job_finish(&job);
}

static size_t read_follow(void *owner, char *out, size_t size, bool *out_end)
{
	struct follow *f = owner;
	size_t n;

	if (f->text.len == 0 && !f->ended && f->reader != NULL)
		add_chunk(f);
	if (f->text.len == 0 && !f->ended)
		look_further(f);
	if (f->text.len == 0 && clock_mono_ms() - f->sent_ms >= HEARTBEAT_MS)
		sse_add_heartbeat(&f->text);
	n = sse_take(&f->text, out, size);
	if (n > 0)
		f->sent_ms = clock_mono_ms();
	*out_end = n == 0 && f->ended;
	return n;
}

static void close_follow(void *owner)
{
	struct follow *f = owner;

	build_log_reader_close(f->reader);
	str_free(&f->text);
	free(f);
}

static const struct answered *answer_follow(
	struct request *r, int64_t job_id, int64_t build_id, int attempt)
{
	struct follow *f = xcalloc(1, sizeof *f);
	struct stream stream = { read_follow, close_follow, f, false };
	const char *last = request_header(r, "Last-Event-ID");

	f->p = request_pipeline(r);
	f->job_id = job_id;
	f->build_id = build_id;
	f->sent_ms = clock_mono_ms();
	str_add(&f->text, ": capqd\n\n");
	if (build_id != 0 && open_attempt(f, build_id, attempt)) {
		say_build(f);
		if (job_id == 0 && last != NULL)
			(void)str_to_int(last, 0, INT64_MAX, &f->position);
	}
	return answer_stream(r, "text/event-stream", STREAM_LOG, &stream);
}

/* ---- the methods ---- */

static const struct answered *answer_log(
	struct request *r, int64_t job_id, int64_t build_id, int number)
{
	struct pipeline *p = request_pipeline(r);
	struct build_log_reader *reader;
	struct attempt attempt;
	bool is_complete;
	char text[24];
	struct err err;
	int rv;

	if (build_id == 0 || !store_attempt_get(pipeline_store(p), build_id, number, &attempt))
		return answer_problem(r, 404, "there is no log",
			job_id != 0 ? "nothing was built for this job" : "there is no such attempt",
			"`capq why` says what it waits for.");
	rv = build_log_open(pipeline_log_directory(p), attempt.id, &reader, &err);
	(void)snprintf(text, sizeof text, "%" PRId64, build_id);
	answer_header(r, "X-Capq-Build", text);
	(void)snprintf(text, sizeof text, "%d", attempt.number);
	answer_header(r, "X-Capq-Attempt", text);
	is_complete = attempt.finished_at != 0;
	answer_header(r, "X-Capq-Complete", is_complete ? "1" : "0");
	attempt_finish(&attempt);
	if (rv < 0)
		return answer_problem(
			r, 404, "the log is gone", err.text, "Logs are kept for keep.logs.");
	return answer_plain(r, reader, is_complete);
}

static const struct answered *run_job(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	int64_t follow, build_id;
	struct job job;
	struct err err;

	if (!request_query_int(r, "follow", 0, 1, 0, &follow, &err))
		return answer_err(r, &err);
	if (!store_job_get(pipeline_store(p), request_id(r), &job))
		return answer_no_job(r);
	build_id = build_of_job(p, &job);
	job_finish(&job);
	if (follow == 1)
		return answer_follow(r, request_id(r), build_id, 0);
	return answer_log(r, request_id(r), build_id, 0);
}

static const struct answered *run_build(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	int64_t follow, attempt;
	struct build build;
	struct err err;

	if (!request_query_int(r, "follow", 0, 1, 0, &follow, &err) ||
		!request_query_int(r, "attempt", 1, INT32_MAX, 0, &attempt, &err))
		return answer_err(r, &err);
	if (!store_build_get(pipeline_store(p), request_id(r), &build))
		return answer_no_build(r);
	build_finish(&build);
	if (follow == 1)
		return answer_follow(r, 0, request_id(r), (int)attempt);
	return answer_log(r, 0, request_id(r), (int)attempt);
}

const struct method method_job_log = {
	.name = "getJobLog",
	.verb = "GET",
	.path = "/jobs/{id}/log",
	.role = ROLE_READ,
	.query = "follow offset tail",
	.run = run_job,
};

const struct method method_build_log = {
	.name = "getBuildLog",
	.verb = "GET",
	.path = "/builds/{id}/log",
	.role = ROLE_READ,
	.query = "attempt follow offset tail",
	.run = run_build,
};
