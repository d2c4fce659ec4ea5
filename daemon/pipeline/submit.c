#include "daemon/pipeline/submit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/probing.h"
#include "daemon/pipeline/steps.h"
#include "daemon/pipeline/submission.h"
#include "daemon/pipeline/wanting.h"
#include "daemon/store/batch.h"
#include "daemon/store/context.h"
#include "daemon/store/job.h"
#include "io/clock.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/rev_name.h"

#define CONTEXTS_MAX 10000

/* ---- the spool ---- */

static bool is_system(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->systems.n; i++)
		if (strcmp(settings->systems.items[i], name) == 0)
			return true;
	return false;
}

static int check_spec(const struct submission *s, const struct job_spec *spec, struct err *err)
{
	const struct settings *settings = s->p->settings;

	if ((int64_t)s->n >= settings->limits.jobs_per_request)
		return err_set(err, CAPQ_ETOOBIG,
			"more than %" PRId64 " jobs in one request (limits.jobs_per_request)",
			settings->limits.jobs_per_request);
	if (settings_flavour(settings, spec->flavour) == NULL)
		return err_set(err, CAPQ_EINVAL, "there is no flavour '%s'", spec->flavour);
	if (spec->system[0] != '\0' && !is_system(settings, spec->system))
		return err_set(err, CAPQ_EINVAL, "system '%s' is none of the configured ones",
			spec->system);
	if (spec->rev[0] != '\0' && settings->nixpkgs.path != NULL)
		return err_set(err, CAPQ_EINVAL,
			"nixpkgs is a path here, so a job names no revision: leave 'rev' out");
	if (spec->rev[0] != '\0' && !rev_name_is_valid(spec->rev))
		return err_set(err, CAPQ_EINVAL, "'%.100s' is no name of a branch, tag or commit",
			spec->rev);
	return 0;
}

static bool is_context(const struct submission_context *c, const struct job_spec *spec,
	const char *system, const char *caps_from)
{
	return strcmp(c->caps, spec->caps) == 0 && c->caps_from == caps_from &&
	       c->unsupported == spec->unsupported && strcmp(c->rev_name, spec->rev) == 0 &&
	       strcmp(c->flavour, spec->flavour) == 0 && strcmp(c->system, system) == 0;
}

/* The context of a job: looked for from the newest, which it nearly always is. */
static int find_context(struct submission *s, const struct job_spec *spec, const char *caps_from,
	uint32_t *out, struct err *err)
{
	const char *system =
		spec->system[0] != '\0' ? spec->system : s->p->settings->systems.items[0];

	for (size_t i = s->n_contexts; i-- > 0;) {
		if (is_context(&s->contexts[i], spec, system, caps_from)) {
			*out = (uint32_t)i;
			return 0;
		}
	}
	if (s->n_contexts == CONTEXTS_MAX)
		return err_set(err, CAPQ_ETOOBIG,
			"more than %d different combinations of set, revision, flavour and system",
			CONTEXTS_MAX);
	array_reserve(&s->contexts, &s->contexts_capacity, s->n_contexts + 1, sizeof *s->contexts);
	s->contexts[s->n_contexts] = (struct submission_context){
		.rev_name = xstrdup(spec->rev),
		.caps = xstrdup(spec->caps),
		.caps_from = caps_from,
		.unsupported = spec->unsupported,
		.is_open = !isdigit((unsigned char)spec->caps[0]),
		.flavour = xstrdup(spec->flavour),
		.system = xstrdup(system),
	};
	*out = (uint32_t)s->n_contexts++;
	return 0;
}

struct submission *submission_create(struct pipeline *p, const char *who, const char *key)
{
	struct submission *s = xcalloc(1, sizeof *s);

	s->p = p;
	s->who = xstrdup(who);
	s->key = xstrdup_or_null(key);
	s->index = -1;
	return s;
}

int submission_add_one(
	struct submission *s, const struct job_spec *spec, const char *caps_from, struct err *err)
{
	int16_t priority = (int16_t)spec->priority;
	uint32_t context = 0;
	int rv = check_spec(s, spec, err);

	if (rv == 0)
		rv = find_context(s, spec, caps_from, &context, err);
	if (rv < 0)
		return rv;
	str_add_bytes(&s->spool, &context, sizeof context);
	str_add_bytes(&s->spool, &priority, sizeof priority);
	str_add_bytes(&s->spool, &spec->is_leftover, sizeof spec->is_leftover);
	str_add_bytes(&s->spool, spec->attr, strlen(spec->attr) + 1);
	s->n++;
	return 0;
}

/* A thin job for each capability that was named. */
static int add_each(struct submission *s, const struct job_spec *spec, const struct caps_ask *ask,
	struct err *err)
{
	struct job_spec one = *spec;
	int rv = 0;

	for (size_t i = 0; i < ask->set.n && rv == 0; i++) {
		struct capability_set set;

		caps_ask_one(ask, i, &set);
		capability_set_format(&set, one.caps);
		rv = submission_add_one(s, &one, caps_kind_name(CAPS_EACH), err);
	}
	return rv;
}

int submission_add(struct submission *s, const struct job_spec *spec, struct err *err)
{
	struct caps_ask ask;
	int rv = caps_ask_parse(spec->caps, &ask, err);

	if (rv < 0)
		return rv;
	if (ask.kind == CAPS_EACH && ask.set.n > 0)
		return add_each(s, spec, &ask, err);
	rv = submission_add_one(s, spec, caps_kind_name(ask.kind), err);
	s->has_open |= rv == 0 && ask.kind != CAPS_SET;
	return rv;
}

size_t submission_n(const struct submission *s)
{
	return s->n;
}

bool submission_next(const struct submission *s, size_t *at, struct spooled *out)
{
	const char *p = s->spool.text + *at;

	if (*at == s->spool.len)
		return false;
	memcpy(&out->context, p, sizeof out->context);
	p += sizeof out->context;
	memcpy(&out->priority, p, sizeof out->priority);
	p += sizeof out->priority;
	memcpy(&out->is_leftover, p, sizeof out->is_leftover);
	out->attr = p + sizeof out->is_leftover;
	*at = (size_t)(out->attr + strlen(out->attr) + 1 - s->spool.text);
	return true;
}

/* ---- entering ---- */

static int64_t enter_context(struct pipeline *p, const struct submission_context *c)
{
	const struct flavour *flavour = settings_flavour(p->settings, c->flavour);
	char digest[SHA256_HEX_LEN + 1] = "";
	int64_t revision = store_revision(p->store, c->hash, c->trusted, clock_wall_ms());

	if (flavour != NULL) /* Else a reload took it away: its evaluation will say so. */
		settings_flavour_digest(flavour, digest);
	return store_context(p->store, revision, c->caps, c->flavour, digest, c->system);
}

static bool same_context(const struct submission_context *a, const struct submission_context *b)
{
	return strcmp(a->hash, b->hash) == 0 && a->trusted == b->trusted &&
	       strcmp(a->caps, b->caps) == 0 && strcmp(a->flavour, b->flavour) == 0 &&
	       strcmp(a->system, b->system) == 0;
}

void submission_enter_contexts(struct submission *s, const struct submission *before)
{
	for (size_t i = 0; i < s->n_contexts; i++) {
		struct submission_context *c = &s->contexts[i];

		for (size_t k = 0; before != NULL && k < before->n_contexts && c->id == 0; k++)
			if (same_context(c, &before->contexts[k]))
				c->id = before->contexts[k].id;
		if (c->id == 0)
			c->id = enter_context(s->p, c);
	}
}

/* It had failed because the package does not support the set, and now it is to be done otherwise:
 * so it is tried again. */
static void reconsider(
	struct submission *s, enum unsupported unsupported, struct job_entered *entered)
{
	struct pipeline *p = s->p;
	struct job job;

	if (!store_job_get(p->store, entered->id, &job))
		return;
	if (job.failure == FAILURE_UNSUPPORTED && job.unsupported != unsupported) {
		store_job_set_unsupported(p->store, job.id, unsupported);
		if (job_retry(p, job.id, s->who, NULL) == 0)
			entered->state = JOB_EVALUATING;
	}
	job_finish(&job);
}

static void want_again(struct pipeline *p, int64_t build_id, int64_t unused)
{
	(void)unused;
	wants_changed(p, build_id);
}

void submission_enter_job(
	struct submission *s, const struct spooled *job, int64_t batch_id, struct job_entered *out)
{
	const struct submission_context *c = &s->contexts[job->context];
	struct job_entry entry = {
		.attr = job->attr,
		.context_id = c->id,
		.caps_from = c->caps_from,
		.unsupported = c->unsupported,
		.rev_from = c->from,
		.submitter = s->who,
		.priority = job->priority,
		.is_leftover = job->is_leftover,
		.batch_id = batch_id,
		.now_ms = clock_wall_ms(),
	};

	store_job_enter(s->p->store, &entry, out);
	if (out->existing && out->state == JOB_FAILED)
		reconsider(s, c->unsupported, out);
	if (out->raised_build != 0)
		after_commit(s->p, want_again, out->raised_build, 0);
}

void submission_answer_add(struct submission *s, const struct job_entered *job)
{
	struct json_out *out = &s->answer;

	if (out->text.len == 0) {
		json_out_object(out, NULL);
		json_out_array(out, "jobs");
	}
	json_out_object(out, NULL);
	json_out_int(out, "id", job->id);
	json_out_bool(out, "existing", job->existing);
	json_out_text(out, "state", job_state_name(job->state));
	json_out_end_object(out);
}

void submission_answer_end(struct submission *s)
{
	json_out_end_array(&s->answer);
	json_out_end_object(&s->answer);
}

const char *submission_digest(struct submission *s)
{
	cleanup_str struct str text = { 0 };

	if (s->digest[0] != '\0')
		return s->digest;
	for (size_t i = 0; i < s->n_contexts; i++)
		str_addf(&text, "%s %s %s %s %s\n", s->contexts[i].rev_name, s->contexts[i].caps,
			s->contexts[i].flavour, s->contexts[i].system,
			unsupported_name(s->contexts[i].unsupported));
	str_add_bytes(&text, str_text(&s->spool), s->spool.len);
	sha256_hex(str_text(&text), text.len, s->digest);
	return s->digest;
}

/* ---- the end ---- */

void submission_free_contexts(struct submission *s)
{
	for (size_t i = 0; i < s->n_contexts; i++) {
		free(s->contexts[i].rev_name);
		free(s->contexts[i].caps);
		free(s->contexts[i].flavour);
		free(s->contexts[i].system);
		free(s->contexts[i].hash);
		free(s->contexts[i].from);
	}
	free(s->contexts);
}

static void free_submission(struct submission *s)
{
	submission_free_contexts(s);
	free(s->who);
	free(s->key);
	str_free(&s->spool);
	str_free(&s->answer.text);
	free(s);
}

static void end_submission(struct submission *s, const struct submission_end *end)
{
	if (!s->is_abandoned)
		s->on_done(s->owner, end);
	free_submission(s);
}

void submission_succeed(struct submission *s, struct str *answer, bool existing)
{
	struct submission_end end = { .answer = answer, .existing_answer = existing, .index = -1 };

	end_submission(s, &end);
}

void submission_fail(struct submission *s, int64_t index, const struct err *err)
{
	struct submission_end end = { .rv = err->code, .index = index, .err = err };

	end_submission(s, &end);
}

bool submission_recall(struct submission *s)
{
	bool same;

	if (s->key == NULL || !store_answer_get(s->p->store, s->who, s->key, submission_digest(s),
				      &same, &s->answer.text))
		return false;
	s->is_recalled = true;
	if (!same)
		s->rv = err_set(&s->err, CAPQ_EEXIST,
			"this Idempotency-Key came with another request within the last day");
	return true;
}

void submission_tell_recalled(struct submission *s)
{
	struct err err = s->err;

	if (s->rv < 0)
		submission_fail(s, -1, &err);
	else
		submission_succeed(s, &s->answer.text, true);
}

void submission_abandon(struct submission *s)
{
	if (s->on_done == NULL)
		free_submission(s);
	else
		s->is_abandoned = true;
}

/* ---- looking revisions up ---- */

static int64_t first_job_of(const struct submission *s, size_t context)
{
	struct spooled job;
	size_t at = 0;

	for (int64_t i = 0; submission_next(s, &at, &job); i++)
		if (job.context == context)
			return i;
	return -1;
}

static void look_up_next(struct submission *s);

static void take_revision(struct submission_context *c, const struct revision *revision)
{
	c->hash = xstrdup(revision->hash);
	c->from = xstrdup(revision->from);
	c->trusted = revision->trusted;
}

static void on_revision(void *owner, int rv, const struct revision *revision, const struct err *err)
{
	struct submission *s = owner;

	if (rv < 0) {
		struct err copy = *err;

		submission_fail(s, first_job_of(s, s->n_looked_up), &copy);
		return;
	}
	take_revision(&s->contexts[s->n_looked_up++], revision);
	look_up_next(s);
}

/* The same name was looked up for an earlier context of this request. */
static const struct submission_context *same_name(const struct submission *s, const char *name)
{
	for (size_t i = 0; i < s->n_looked_up; i++)
		if (strcmp(s->contexts[i].rev_name, name) == 0)
			return &s->contexts[i];
	return NULL;
}

/* What is known of the revisions may forbid some set: then nothing is accepted, and nobody waits
 * for an evaluation to hear it. */
static int check_sets(struct submission *s)
{
	for (size_t i = 0; i < s->n_contexts; i++) {
		const struct submission_context *c = &s->contexts[i];
		const struct probe_place place = { c->hash, c->flavour, c->system };

		if (c->is_open)
			continue;
		s->rv = probe_check_caps(s->p, &place, c->caps, &s->err);
		if (s->rv < 0) {
			submission_refuse(s, i);
			return s->rv;
		}
	}
	return 0;
}

void submission_refuse(struct submission *s, size_t context)
{
	s->index = first_job_of(s, context);
	accept_add(s);
}

void submission_route(struct submission *s)
{
	if (check_sets(s) < 0)
		return;
	if (s->has_open)
		probing_start(s);
	else if (s->is_dry)
		dry_run_start(s);
	else if (s->n > SUBMISSION_SMALL)
		bulk_add(s);
	else
		accept_add(s);
}

static void look_up_next(struct submission *s)
{
	while (s->n_looked_up < s->n_contexts) {
		struct submission_context *c = &s->contexts[s->n_looked_up];
		const struct submission_context *same = same_name(s, c->rev_name);
		struct revision revision;

		if (same != NULL) {
			revision = (struct revision){ same->hash, same->from, same->trusted };
		} else if (!revision_known(s->p->revisions, c->rev_name, &revision)) {
			revision_resolve(s->p->revisions, c->rev_name, on_revision, s);
			return;
		}
		take_revision(c, &revision);
		s->n_looked_up++;
	}
	submission_route(s);
}

/* A full hash that the data base has as trusted needs no git. */
static void remember_hashes(struct submission *s)
{
	struct revisions *revisions = s->p->revisions;

	for (size_t i = 0; i < s->n_contexts; i++) {
		const char *name = s->contexts[i].rev_name;
		struct revision known;
		bool trusted;

		if (rev_is_full_hash(name) && !revision_known(revisions, name, &known) &&
			store_revision_get(s->p->store, name, &trusted))
			revision_remember(revisions, name, trusted);
	}
}

static bool is_refused(struct submission *s, struct err *err)
{
	const struct pipeline *p = s->p;
	int64_t live = 0;

	for (int i = 0; i < JOB_STATES; i++)
		if (!job_state_is_final((enum job_state)i))
			live += p->job_counts[i];
	if (p->stopping)
		(void)err_set(err, CAPQ_EBUSY, "capqd is stopping");
	else if (p->disk_low)
		(void)err_set(err, CAPQ_ENOSPC,
			"capqd's disk is nearly full; nothing is accepted until "
			"there is room again");
	else if (live + (int64_t)s->n > p->settings->limits.live_jobs)
		(void)err_set(err, CAPQ_EBUSY,
			"there are %" PRId64 " unfinished jobs; with these it would "
			"be more than limits.live_jobs",
			live);
	else
		return false;
	return true;
}

/* Answers never come before the call returns: refusals go through the turn's end as well. */
static void begin(
	struct submission *s, void (*on_done)(void *, const struct submission_end *), void *owner)
{
	s->on_done = on_done;
	s->owner = owner;
	if (is_refused(s, &s->err)) {
		s->rv = s->err.code;
		accept_add(s);
		return;
	}
	remember_hashes(s);
	look_up_next(s);
}

void submission_commit(
	struct submission *s, void (*on_done)(void *, const struct submission_end *), void *owner)
{
	begin(s, on_done, owner);
}

void submission_dry_run(
	struct submission *s, void (*on_done)(void *, const struct submission_end *), void *owner)
{
	s->is_dry = true;
	begin(s, on_done, owner);
}
