/* Open sets: what a submit calls `default` and `each` becomes the sets that the revisions have
 * said. */
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/probing.h"
#include "daemon/pipeline/submission.h"

/* What the jobs of a context become. */
struct closed {
	struct caps_ask ask; /* `default` is a set now, `each` names its capabilities. */
};

/* 0, or why the revision has no default set. */
static int close_one(struct submission *s, const struct submission_context *c, struct closed *out)
{
	const struct probe_place place = { c->hash, c->flavour, c->system };
	struct capability_set set;
	struct probe probe;
	int rv = caps_ask_parse(c->caps, &out->ask, &s->err);

	if (rv < 0 || !c->is_open)
		return rv;
	if (!probe_known(s->p, &place, &probe))
		return err_set(&s->err, CAPQ_EBUSY,
			"what this revision builds by default was not kept; try again");
	rv = probe_default(&probe, &set, &s->err);
	if (rv < 0)
		return rv;
	if (out->ask.kind == CAPS_EACH)
		set.ptx = out->ask.set.ptx;
	else
		out->ask.kind = CAPS_SET;
	out->ask.set = set;
	return 0;
}

static void fill_in(const struct submission_context *c, const struct spooled *job,
	const struct capability_set *set, struct job_spec *out)
{
	out->priority = job->priority;
	out->unsupported = c->unsupported;
	out->is_leftover = job->is_leftover;
	(void)strcpy(out->attr, job->attr); /* It came out of such a spec. */
	(void)strcpy(out->rev, c->rev_name);
	(void)strcpy(out->flavour, c->flavour);
	(void)strcpy(out->system, c->system);
	capability_set_format(set, out->caps);
}

/* Add the job once more, with its sets. */
static int add_again(struct submission *s, const struct submission_context *c,
	const struct spooled *job, const struct closed *closed)
{
	size_t n = closed->ask.kind == CAPS_EACH ? closed->ask.set.n : 1;
	struct job_spec spec = { 0 };
	int rv = 0;

	for (size_t i = 0; i < n && rv == 0; i++) {
		struct capability_set set = closed->ask.set;

		if (closed->ask.kind == CAPS_EACH)
			caps_ask_one(&closed->ask, i, &set);
		fill_in(c, job, &set, &spec);
		rv = submission_add_one(s, &spec, c->caps_from, &s->err);
	}
	return rv;
}

/* The revisions of the contexts are those of the old ones. */
static void copy_revisions(struct submission *s, const struct submission *old)
{
	for (size_t i = 0; i < s->n_contexts; i++) {
		struct submission_context *c = &s->contexts[i];
		const struct submission_context *same = old->contexts;

		while (strcmp(same->rev_name, c->rev_name) != 0)
			same++;
		c->hash = xstrdup(same->hash);
		c->from = xstrdup(same->from);
		c->trusted = same->trusted;
	}
	s->n_looked_up = s->n_contexts;
}

/* All jobs again, in their order. */
static int spool_again(struct submission *s, const struct closed *closed)
{
	struct submission old = *s;
	struct spooled job;
	size_t at = 0;
	int rv = 0;

	s->contexts = NULL;
	s->n_contexts = s->contexts_capacity = s->n = 0;
	s->spool = (struct str){ 0 };
	s->has_open = false;
	while (rv == 0 && submission_next(&old, &at, &job))
		rv = add_again(s, &old.contexts[job.context], &job, &closed[job.context]);
	copy_revisions(s, &old);
	submission_free_contexts(&old);
	str_free(&old.spool);
	return rv;
}

int submission_close_sets(struct submission *s)
{
	cleanup_free struct closed *closed = xcalloc(s->n_contexts, sizeof *closed);

	if (s->key != NULL)
		(void)submission_digest(s); /* Of what was asked for, whatever that comes to be. */
	for (size_t i = 0; i < s->n_contexts; i++) {
		s->rv = close_one(s, &s->contexts[i], &closed[i]);
		if (s->rv < 0) {
			submission_refuse(s, i);
			return s->rv;
		}
	}
	s->rv = spool_again(s, closed);
	if (s->rv < 0)
		accept_add(s);
	return s->rv;
}
