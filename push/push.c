/* First the plan, then the uploads; whichever runs is the one that a stop goes to. */
#include "push/push.h"

#include <stdlib.h>

#include "io/program.h"
#include "lib/mem.h"
#include "push/api.h"
#include "push/options.h"
#include "push/plan.h"
#include "push/report.h"
#include "push/secrets.h"
#include "push/uploads.h"

struct push {
	struct push_spec spec;
	char *launcher;
	struct planning *planning; /* While it is planned. */
	struct plan plan;
	struct uploads *uploads; /* While they run. */
};

static int status_of(const struct push *push, const struct fail *fail)
{
	if (fail->class == FAIL_DENIED)
		return PUSH_DENIED;
	if (fail->class == FAIL_NETWORK)
		return PUSH_UNREACHABLE;
	return push->spec.report->n_failed > 0 ? PUSH_FAILED : PUSH_OK;
}

static void end_push(struct push *push, const struct fail *fail)
{
	report_end(push->spec.report);
	push->spec.on_done(push->spec.owner, status_of(push, fail));
	plan_free(&push->plan);
	free(push->launcher);
	free(push);
}

static void on_uploaded(void *owner, const struct fail *fail)
{
	end_push(owner, fail);
}

static void on_planned(void *owner, struct plan *plan, const struct fail *fail)
{
	struct push *push = owner;
	struct uploads_spec spec = {
		.api = push->spec.api,
		.options = push->spec.options,
		.report = push->spec.report,
		.plan = &push->plan,
		.on_done = on_uploaded,
		.owner = push,
	};

	push->planning = NULL;
	push->plan = *plan;
	*plan = (struct plan){ 0 };
	if (fail->class != FAIL_NONE) {
		for (size_t i = 0; i < push->spec.n_paths; i++)
			report_fail(push->spec.report, push->spec.paths[i], fail);
		end_push(push, fail);
		return;
	}
	report_plan(push->spec.report, &push->plan);
	push->uploads = uploads_start(&spec);
}

int push_start(const struct push_spec *spec, struct push **out, struct err *err)
{
	struct push *push = xcalloc(1, sizeof *push);
	struct plan_spec plan = {
		.api = spec->api,
		.key = spec->api->secrets->key,
		.paths = spec->paths,
		.n_paths = spec->n_paths,
		.is_shallow = spec->options->is_shallow,
		.choice = &spec->options->choice,
		.on_done = on_planned,
		.owner = push,
	};
	int rv = program_find("capq-launch", &push->launcher, err);

	push->spec = *spec;
	plan.launcher = push->launcher;
	if (rv == 0)
		rv = plan_start(&plan, &push->planning, err);
	if (rv < 0) {
		free(push->launcher);
		free(push);
		return rv;
	}
	*out = push;
	return 0;
}

void push_stop(struct push *push, const char *why)
{
	if (push->planning != NULL)
		plan_stop(push->planning, why);
	else
		uploads_stop(push->uploads, why);
}
