/* Bulk: many jobs of one request, entered in slices of a few milliseconds, one slice a loop turn.
 * Its rows belong to a batch and are invisible until the batch ends, which makes all of them
 * visible in one moment. Until then nothing was answered, so the slices need not wait for the disk;
 * a worker thread follows behind and puts them there, so that the last commit, which does wait, has
 * little left to wait for. One bulk submit is written at a time. What a restart finds unfinished
 * goes, in slices as well.
 *
 *   (first in the line) -> BEGIN -> WRITE, slice by slice -> ANSWER -> SYNC -> END -> answered
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submission.h"
#include "daemon/store/batch.h"
#include "daemon/store/event.h"
#include "io/clock.h"

#define SLICE_US 4000
#define DROP_ROWS 500

enum bulk_state {
	BEGIN,
	WRITE,
	ANSWER, /* With a key only: it is many megabytes, which are kept in a turn of their own. */
	SYNC,   /* Waits for the thread to have seen the last slice. */
	END,
};

struct bulk {
	struct pipeline *p;
	struct submission *first, **last;
	enum bulk_state state; /* Of the first. */
	int64_t to_drop;       /* A batch that nobody will finish; 0: none. */
	uv_work_t sync;
	bool sync_runs, sync_again; /* sync_again: something was written since it began. */
};

void bulk_start(struct pipeline *p)
{
	struct bulk *b = xcalloc(1, sizeof *b);

	p->bulks = b;
	b->p = p;
	b->last = &b->first;
	b->to_drop = store_batch_open(p->store);
}

static void put_last(struct bulk *b, struct submission *s)
{
	s->next = NULL;
	*b->last = s;
	b->last = &s->next;
}

static struct submission *take_first(struct bulk *b)
{
	struct submission *s = b->first;

	b->first = s->next;
	if (b->first == NULL)
		b->last = &b->first;
	b->state = BEGIN;
	return s;
}

void bulk_add(struct submission *s)
{
	put_last(s->p->bulks, s);
	pipeline_wake(s->p);
}

/* ---- what was not finished ---- */

static void drop_some(struct bulk *b)
{
	struct pipeline *p = b->p;
	int n;

	pipeline_begin(p, QUICK);
	n = store_batch_drop(p->store, b->to_drop, DROP_ROWS);
	if (!pipeline_commit(p) || n == DROP_ROWS)
		return;
	log_unusual(
		"a bulk submit that was not finished was thrown away; it had not been answered");
	b->to_drop = 0;
	store_jobs_count(p->store, p->job_counts);
}

static void fail(struct bulk *b)
{
	struct submission *s = take_first(b);
	struct err err;

	b->to_drop = s->batch_id;
	(void)err_set(&err, b->p->store_code, "nothing was accepted: %s", b->p->store_problem);
	submission_fail(s, -1, &err);
}

/* ---- the thread behind ---- */

static void do_sync(uv_work_t *work)
{
	struct bulk *b = CONTAINER_OF(work, struct bulk, sync);
	cleanup_free char *path = str_format("%s/capqd.sqlite", b->p->state_dir);

	store_sync(path);
}

static void start_sync(struct bulk *b);

static void on_synced(uv_work_t *work, int status)
{
	struct bulk *b = CONTAINER_OF(work, struct bulk, sync);

	(void)status;
	b->sync_runs = false;
	if (b->sync_again)
		start_sync(b);
	else if (b->state == SYNC)
		b->state = END;
	pipeline_wake(b->p);
}

static void start_sync(struct bulk *b)
{
	b->sync_again = b->sync_runs;
	if (b->sync_runs)
		return;
	b->sync_runs = true;
	if (uv_queue_work(b->p->loop, &b->sync, do_sync, on_synced) != 0)
		abort(); /* libuv has no reason to refuse. */
}

/* ---- the states ---- */

static bool begin(struct bulk *b)
{
	struct submission *s = take_first(b), *others = b->first, **last = b->last;
	struct pipeline *p = b->p;
	int64_t id;

	if (submission_recall(s)) {
		submission_tell_recalled(s);
		return true;
	}
	s->next = others; /* Back to the front. */
	b->first = s;
	b->last = others == NULL ? &s->next : last;
	pipeline_begin(p, QUICK);
	id = store_batch_begin(p->store, clock_wall_ms());
	submission_enter_contexts(s, NULL);
	if (!pipeline_commit(p))
		return false;
	s->batch_id = id;
	b->state = WRITE;
	return true;
}

void bulk_lost_job(struct pipeline *p)
{
	struct bulk *b = p->bulks;

	if (b->to_drop == 0) /* Else it is no bulk submit's any more, and counted anew. */
		b->first->n_new--;
}

static void note_entered(struct submission *s, const struct job_entered *e)
{
	if (e->existing)
		return;
	s->n_new++;
	if (s->first_id == 0)
		s->first_id = e->id;
	s->last_id = e->id;
}

/* Enter jobs until the slice's time is over. */
static void enter_some(struct submission *s)
{
	int64_t began = clock_mono_us();
	struct spooled job;

	while (submission_next(s, &s->at, &job)) {
		struct job_entered entered;

		submission_enter_job(s, &job, s->batch_id, &entered);
		submission_answer_add(s, &entered);
		note_entered(s, &entered);
		if (++s->n_entered % 64 == 0 && clock_mono_us() - began > SLICE_US)
			return;
	}
}

static bool write_slice(struct bulk *b)
{
	struct submission *s = b->first;
	struct pipeline *p = b->p;

	pipeline_begin(p, QUICK);
	enter_some(s);
	if (!pipeline_commit(p))
		return false;
	if (s->n_entered == s->n) {
		submission_answer_end(s);
		b->state = s->key != NULL ? ANSWER : SYNC;
	}
	start_sync(b);
	return true;
}

static bool keep_answer(struct bulk *b)
{
	struct submission *s = b->first;
	struct pipeline *p = b->p;

	pipeline_begin(p, QUICK);
	store_answer_put(p->store, s->who, s->key, submission_digest(s), &s->answer.text,
		s->batch_id, clock_wall_ms());
	if (!pipeline_commit(p))
		return false;
	b->state = SYNC;
	start_sync(b);
	return true;
}

static void write_end(struct submission *s)
{
	struct pipeline *p = s->p;
	struct event_row row = {
		.at = clock_wall_ms(),
		.kind = "batch",
		.subject = s->first_id,
		.last = s->last_id,
		.n = s->n_new,
		.after = job_state_name(JOB_EVALUATING),
		.failure = "",
	};

	store_batch_end(p->store, s->batch_id);
	p->job_deltas[JOB_EVALUATING] += s->n_new;
	if (s->n_new > 0)
		p->pending_event_id = store_event(p->store, &row);
}

static bool end(struct bulk *b)
{
	struct submission *s = b->first;
	struct pipeline *p = b->p;

	pipeline_begin(p, DURABLE);
	write_end(s);
	if (!pipeline_commit(p))
		return false;
	log_fact("%s submitted %zu jobs, %" PRId64 " of them new", s->who, s->n, s->n_new);
	(void)take_first(b);
	submission_succeed(s, &s->answer.text, false);
	(void)malloc_trim(0); /* A request of many megabytes must not stay with us. */
	return true;
}

/* One step of the first in the line. False: the data base refused. */
static bool step(struct bulk *b)
{
	switch (b->state) {
	case BEGIN:
		return begin(b);
	case WRITE:
		return write_slice(b);
	case ANSWER:
		return keep_answer(b);
	case SYNC:
		return true;
	case END:
		return end(b);
	}
	return true;
}

bool bulk_write_some(struct pipeline *p)
{
	struct bulk *b = p->bulks;

	if (p->store_problem != NULL)
		return false;
	if (b->to_drop != 0)
		drop_some(b);
	else if (b->first != NULL && !step(b))
		fail(b);
	return b->to_drop != 0 || (b->first != NULL && b->state != SYNC);
}

bool bulk_is_idle(const struct pipeline *p)
{
	return !p->bulks->sync_runs;
}

void bulk_finish(struct pipeline *p)
{
	struct bulk *b = p->bulks;
	struct err err;

	if (b == NULL)
		return;
	(void)err_set(&err, CAPQ_EBUSY, "capqd is stopping");
	while (b->first != NULL)
		submission_fail(take_first(b), -1, &err);
	free(b);
}
