/* POST /jobs/{id}/cancel, retry, hold, release, bump. */
#include <stdlib.h>

#include "daemon/api/method.h"
#include "daemon/api/render.h"
#include "daemon/pipeline/command.h"
#include "daemon/store/job.h"
#include "lib/mem.h"

struct asked {
	struct request *request; /* NULL: the client is gone. */
	int64_t job_id;
};

static void forget_request(void *owner)
{
	struct asked *a = owner;

	a->request = NULL;
}

/* The job as it is now. */
static void answer_job(struct request *r, int64_t job_id)
{
	struct pipeline *p = request_pipeline(r);
	struct json_out out = { 0 };
	struct job job;

	if (!store_job_get(pipeline_store(p), job_id, &job)) {
		(void)answer_problem(r, 404, "the job is gone", NULL, NULL);
		return;
	}
	render_job(p, &job, &out, NULL, false);
	job_finish(&job);
	(void)answer_json(r, 200, &out);
}

static void on_done(void *owner, int rv, const struct err *err)
{
	struct asked *a = owner;

	if (a->request != NULL && rv < 0)
		(void)answer_err(a->request, err);
	else if (a->request != NULL)
		answer_job(a->request, a->job_id);
	free(a);
}

static const struct answered *ask(struct request *r, enum command_kind kind)
{
	struct asked *a = xcalloc(1, sizeof *a);

	a->request = r;
	a->job_id = request_id(r);
	command_job(request_pipeline(r), kind, a->job_id, request_who(r), on_done, a);
	return answer_later(r, forget_request, a);
}

#define DEFINE_COMMAND(word, WORD)                                                                 \
	static const struct answered *run_##word(struct request *r)                                \
	{                                                                                          \
		return ask(r, COMMAND_##WORD);                                                     \
	}                                                                                          \
	const struct method method_##word = {                                                      \
		.name = #word "Job",                                                               \
		.verb = "POST",                                                                    \
		.path = "/jobs/{id}/" #word,                                                       \
		.role = ROLE_SUBMIT,                                                               \
		.query = "",                                                                       \
		.run = run_##word,                                                                 \
	}

DEFINE_COMMAND(cancel, CANCEL);
DEFINE_COMMAND(retry, RETRY);
DEFINE_COMMAND(hold, HOLD);
DEFINE_COMMAND(release, RELEASE);
DEFINE_COMMAND(bump, BUMP);
