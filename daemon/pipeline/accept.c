/* Accept: the submits of one loop turn, and what people ask of jobs, under one commit. However many
 * clients wait, the disk is waited for once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/command.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submission.h"
#include "daemon/store/batch.h"
#include "io/clock.h"

/* What somebody asked of a job, and what came of it. */
struct command {
	struct command *next;
	enum command_kind kind;
	int64_t job_id;
	char *who;
	void (*on_done)(void *owner, int rv, const struct err *err);
	void *owner;
	int rv;
	struct err err;
};

struct accept_group {
	struct submission *submissions, **last_submission;
	struct command *commands, **last_command;
};

static struct accept_group *group_of(struct pipeline *p)
{
	struct accept_group *g = p->group;

	if (g == NULL) {
		g = p->group = xcalloc(1, sizeof *g);
		g->last_submission = &g->submissions;
		g->last_command = &g->commands;
	}
	return g;
}

void accept_add(struct submission *s)
{
	struct accept_group *g = group_of(s->p);

	s->next = NULL;
	*g->last_submission = s;
	g->last_submission = &s->next;
	pipeline_wake(s->p);
}

void command_job(struct pipeline *p, enum command_kind kind, int64_t job_id, const char *who,
	void (*on_done)(void *, int, const struct err *), void *owner)
{
	struct accept_group *g = group_of(p);
	struct command *c = xcalloc(1, sizeof *c);

	c->kind = kind;
	c->job_id = job_id;
	c->who = xstrdup(who);
	c->on_done = on_done;
	c->owner = owner;
	*g->last_command = c;
	g->last_command = &c->next;
	pipeline_wake(p);
}

/* ---- the transaction ---- */

static void lose_job(struct pipeline *p, int64_t job_id, int64_t unused)
{
	(void)job_id;
	(void)unused;
	bulk_lost_job(p);
}

static void enter_submission(
	struct pipeline *p, struct submission *s, const struct submission *before)
{
	struct spooled job;
	size_t at = 0;

	submission_enter_contexts(s, before);
	while (submission_next(s, &at, &job)) {
		struct job_entered entered;

		submission_enter_job(s, &job, 0, &entered);
		submission_answer_add(s, &entered);
		if (entered.existing)
			continue;
		if (entered.adopted)
			after_commit(p, lose_job, entered.id, 0);
		p->job_deltas[JOB_EVALUATING]++;
		note_event(p, "job", entered.id, NULL, job_state_name(JOB_EVALUATING), "", NULL);
	}
	submission_answer_end(s);
	if (s->key != NULL)
		store_answer_put(p->store, s->who, s->key, submission_digest(s), &s->answer.text, 0,
			clock_wall_ms());
}

/* A key may come twice in one turn: the second request gets the answer to the first. */
static void enter_submissions(struct pipeline *p, struct submission *first)
{
	const struct submission *before = NULL;

	for (struct submission *s = first; s != NULL; s = s->next) {
		if (submission_recall(s))
			continue;
		enter_submission(p, s, before);
		before = s;
	}
}

static void run_command(struct pipeline *p, struct command *c)
{
	static int (*const functions[])(struct pipeline *, int64_t, const char *, struct err *) = {
		[COMMAND_CANCEL] = job_cancel,
		[COMMAND_RETRY] = job_retry,
		[COMMAND_HOLD] = job_hold,
		[COMMAND_RELEASE] = job_release,
		[COMMAND_BUMP] = job_bump,
	};

	c->rv = functions[c->kind](p, c->job_id, c->who, &c->err);
}

/* ---- the answers ---- */

static void answer_submission(struct submission *s)
{
	if (s->is_recalled) {
		submission_tell_recalled(s);
		return;
	}
	log_fact("%s submitted %zu job%s", s->who, s->n, s->n == 1 ? "" : "s");
	submission_succeed(s, &s->answer.text, false);
}

static void answer_command(struct command *c)
{
	c->on_done(c->owner, c->rv, &c->err);
	free(c->who);
	free(c);
}

static void fail_group(struct accept_group *g, const struct err *err)
{
	for (struct submission *s = g->submissions, *next; s != NULL; s = next) {
		next = s->next;
		submission_fail(s, -1, err);
	}
	for (struct command *c = g->commands, *next; c != NULL; c = next) {
		next = c->next;
		c->rv = err->code;
		c->err = *err;
		answer_command(c);
	}
}

/* Answer what needs no transaction: what was refused, and what was answered before. */
static void answer_early(struct accept_group *g)
{
	struct submission **at = &g->submissions;

	while (*at != NULL) {
		struct submission *s = *at, *next = s->next;

		if (s->rv < 0) {
			struct err err = s->err;

			submission_fail(s, s->index, &err);
		} else if (submission_recall(s)) {
			submission_tell_recalled(s);
		} else {
			at = &s->next;
			continue;
		}
		*at = next;
	}
}

void accept_commit(struct pipeline *p)
{
	struct accept_group *g = STEAL_POINTER(p->group);
	struct err err;

	if (g == NULL)
		return;
	answer_early(g);
	if (g->submissions == NULL && g->commands == NULL) {
		free(g);
		return;
	}
	pipeline_begin(p, DURABLE);
	enter_submissions(p, g->submissions);
	for (struct command *c = g->commands; c != NULL; c = c->next)
		run_command(p, c);
	if (!pipeline_commit(p)) {
		(void)err_set(&err, p->store_code, "nothing was accepted: %s", p->store_problem);
		fail_group(g, &err);
		free(g);
		return;
	}
	for (struct submission *s = g->submissions, *next; s != NULL; s = next) {
		next = s->next;
		answer_submission(s);
	}
	for (struct command *c = g->commands, *next; c != NULL; c = next) {
		next = c->next;
		answer_command(c);
	}
	free(g);
	pipeline_wake(p);
}

void accept_finish(struct pipeline *p)
{
	struct accept_group *g = STEAL_POINTER(p->group);
	struct err err;

	if (g == NULL)
		return;
	(void)err_set(&err, CAPQ_EBUSY, "capqd is stopping");
	fail_group(g, &err);
	free(g);
}
