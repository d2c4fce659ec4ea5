/* First the plan, then what a killed push has left, then the uploads, then the pin; whichever runs
 * is the one that a stop goes to. */
#include "push/push.h"

#include <stdlib.h>

#include "io/program.h"
#include "lib/mem.h"
#include "push/api.h"
#include "push/journal.h"
#include "push/leftovers.h"
#include "push/options.h"
#include "push/path_info.h"
#include "push/plan.h"
#include "push/report.h"
#include "push/secrets.h"
#include "push/uploads.h"

struct push {
	struct push_spec spec;
	char *launcher;
	char *journal_dir;         /* NULL: none. */
	struct planning *planning; /* While it is planned. */
	struct plan plan;
	struct leftovers *leftovers; /* While they are given up. */
	struct uploads *uploads;     /* While they run. */
	struct call *pin;            /* While it is made. */
	struct fail fail;            /* Why all of it ended early, or the pin was not made. */
};

static int status_of(const struct push *push)
{
	if (push->fail.class == FAIL_DENIED)
		return PUSH_DENIED;
	if (push->fail.class == FAIL_NETWORK)
		return PUSH_UNREACHABLE;
	return push->fail.class != FAIL_NONE || push->spec.report->n_failed > 0 ? PUSH_FAILED
										: PUSH_OK;
}

static void end_push(struct push *push)
{
	report_end(push->spec.report);
	push->spec.on_done(push->spec.owner, status_of(push));
	plan_free(&push->plan);
	free(push->launcher);
	free(push->journal_dir);
	free(push);
}

/* ---- the pin ---- */

static void end_pin(struct push *push)
{
	report_pin(push->spec.report, push->spec.options->pin, push->spec.paths[0], &push->fail);
	end_push(push);
}

static void on_pinned(void *owner, const struct call_end *end)
{
	struct push *push = owner;

	push->pin = NULL;
	if (end->outcome != CALL_OK) /* Unless push_stop() said why. */
		fail_set(&push->fail, end->fail.class, "%s", end->fail.err.text);
	end_pin(push);
}

/* A pin is for one path: is that in the cache by now? */
static bool is_there(const struct push *push)
{
	const struct path_infos *infos = &push->plan.infos;
	const struct path_info *info = path_infos_find(infos, push->spec.paths[0]);

	return push->spec.report->n_failed == 0 &&
	       push->plan.choices[info - infos->items] == CHOICE_TAKE;
}

static void make_pin(struct push *push)
{
	const struct options *options = push->spec.options;

	if (!is_there(push)) {
		fail_set(&push->fail, FAIL_REFERENCE, "the path is not in the cache");
		end_pin(push);
		return;
	}
	push->pin = api_pin(
		push->spec.api, options->pin, push->spec.paths[0], &options->keep, on_pinned, push);
}

/* ---- plan and uploads ---- */

static void on_uploaded(void *owner, const struct fail *fail)
{
	struct push *push = owner;

	push->uploads = NULL;
	push->fail = *fail;
	if (push->spec.options->pin == NULL || push->spec.options->is_dry_run ||
		fail->class != FAIL_NONE)
		end_push(push);
	else
		make_pin(push);
}

static void begin_uploads(struct push *push)
{
	struct uploads_spec spec = {
		.api = push->spec.api,
		.options = push->spec.options,
		.report = push->spec.report,
		.plan = &push->plan,
		.journal_dir = push->journal_dir,
		.on_done = on_uploaded,
		.owner = push,
	};

	push->uploads = uploads_start(&spec);
}

/* Nothing else may run now: say of all paths why. */
static void end_early(struct push *push)
{
	for (size_t i = 0; i < push->spec.n_paths; i++)
		report_fail(push->spec.report, push->spec.paths[i], &push->fail);
	end_push(push);
}

static void on_given_up(void *owner)
{
	struct push *push = owner;

	push->leftovers = NULL;
	if (push->fail.class != FAIL_NONE) /* push_stop() said why. */
		end_early(push);
	else
		begin_uploads(push);
}

static void on_planned(void *owner, struct plan *plan, const struct fail *fail)
{
	struct push *push = owner;

	push->planning = NULL;
	push->plan = *plan;
	*plan = (struct plan){ 0 };
	push->fail = *fail;
	if (fail->class != FAIL_NONE) {
		end_early(push);
		return;
	}
	report_plan(push->spec.report, &push->plan);
	if (!push->spec.options->is_dry_run)
		push->leftovers =
			leftovers_start(push->spec.api, push->journal_dir, on_given_up, push);
	if (push->leftovers == NULL)
		begin_uploads(push);
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
		.is_dry_run = spec->options->is_dry_run,
		.choice = &spec->options->choice,
		.on_done = on_planned,
		.owner = push,
	};
	int rv = program_find("capq-launch", &push->launcher, err);

	push->spec = *spec;
	push->journal_dir = journal_directory();
	plan.launcher = push->launcher;
	if (rv == 0)
		rv = plan_start(&plan, &push->planning, err);
	if (rv < 0) {
		free(push->launcher);
		free(push->journal_dir);
		free(push);
		return rv;
	}
	*out = push;
	return 0;
}

void push_stop(struct push *push, const char *why)
{
	if (push->planning != NULL) {
		plan_stop(push->planning, why);
	} else if (push->uploads != NULL) {
		uploads_stop(push->uploads, why);
	} else {
		fail_set(&push->fail, FAIL_STOPPED, "%s", why);
		if (push->leftovers != NULL)
			leftovers_stop(push->leftovers);
		else
			call_stop(push->pin);
	}
}
