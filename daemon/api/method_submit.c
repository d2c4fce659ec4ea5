/* POST /jobs: one job or 100,000. Jobs are read as the body arrives and kept in a few dozen bytes
 * each (pipeline/submit.h); when it is whole, they are accepted all or none. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/job_reader.h"
#include "daemon/api/method.h"
#include "daemon/pipeline/submit.h"
#include "lib/job_json.h"
#include "lib/mem.h"

struct submit {
	struct request *request; /* NULL: the client is gone. */
	struct job_reader reader;
	int64_t bad_index;             /* Of the job of many that cannot be taken; -1: none. */
	struct submission *submission; /* NULL once it is committed. */
};

static struct submit *submit_of(struct request *r)
{
	struct submit *s = request_state(r);

	if (s == NULL) {
		s = xcalloc(1, sizeof *s);
		s->request = r;
		s->bad_index = -1;
		s->submission = submission_create(
			request_pipeline(r), request_who(r), request_header(r, "Idempotency-Key"));
		request_set_state(r, s);
	}
	return s;
}

static void free_submit(struct submit *s)
{
	if (s->submission != NULL)
		submission_abandon(s->submission);
	job_reader_finish(&s->reader);
	free(s);
}

static void abandon(struct request *r)
{
	if (request_state(r) != NULL)
		free_submit(request_state(r));
	request_set_state(r, NULL);
}

/* ---- the body ---- */

static bool is_one_of_many(const struct submit *s)
{
	return s->reader.form == JOB_READER_ARRAY || s->reader.n > 0;
}

static int add_job(void *owner, const char *text, size_t len, struct err *err)
{
	struct submit *s = owner;
	cleanup_json struct json *json = NULL;
	struct job_spec spec;
	int rv = json_parse(text, len, &json, err);

	if (rv == 0)
		rv = job_spec_from_json(json, &spec, err);
	if (rv == 0)
		rv = submission_add(s->submission, &spec, err);
	if (rv == 0 || !is_one_of_many(s))
		return rv;
	s->bad_index = (int64_t)s->reader.n;
	return err_wrap(err, "job %" PRId64, s->bad_index);
}

static int feed(struct request *r, const char *bytes, size_t len, struct err *err)
{
	struct submit *s = submit_of(r);
	int rv = job_reader_feed(&s->reader, bytes, len, add_job, s, err);

	if (rv < 0 && s->bad_index >= 0)
		(void)answer_problem_at(
			r, status_of_err(rv), err->text, NULL, hint_of_err(rv), s->bad_index);
	return rv;
}

/* ---- the answer ---- */

static void on_done(void *owner, const struct submission_end *end)
{
	struct submit *s = owner;
	struct request *r = s->request;
	int status = end->rv == CAPQ_EEXIST ? 422 : end->rv < 0 ? status_of_err(end->rv) : 201;

	s->submission = NULL;
	if (r == NULL) {
		free_submit(s);
		return;
	}
	request_set_state(r, NULL);
	if (request_query(r, "dry_run") != NULL && end->rv == 0)
		status = 200;
	if (end->rv == 0)
		(void)answer_text(r, status, end->answer);
	else if (end->index >= 0)
		(void)answer_problem_at(
			r, status, end->err->text, NULL, hint_of_err(end->rv), end->index);
	else
		(void)answer_problem(r, status, end->err->text, NULL, hint_of_err(end->rv));
	free_submit(s);
}

static void forget_request(void *owner)
{
	struct submit *s = owner;

	s->request = NULL; /* What was asked for is still accepted, and the answer dropped. */
}

static const struct answered *run(struct request *r)
{
	struct submit *s = submit_of(r);
	int64_t dry_run;
	struct err err;

	if (!request_query_int(r, "dry_run", 0, 1, 0, &dry_run, &err) ||
		job_reader_end(&s->reader, &err) < 0) {
		abandon(r);
		return answer_err(r, &err);
	}
	if (dry_run == 1)
		submission_dry_run(s->submission, on_done, s);
	else
		submission_commit(s->submission, on_done, s);
	return answer_later(r, forget_request, s);
}

const struct method method_submit = {
	.name = "submitJobs",
	.verb = "POST",
	.path = "/jobs",
	.role = ROLE_SUBMIT,
	.query = "dry_run",
	.body = BODY_PARTS,
	.run = run,
	.feed = feed,
	.abandon = abandon,
};
