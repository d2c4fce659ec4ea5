#include "lib/job.h"

#include <stdlib.h>
#include <string.h>

#include "lib/str.h"

static const char *const job_states[JOB_STATES] = {
	[JOB_EVALUATING] = "evaluating",
	[JOB_PLANNING] = "planning",
	[JOB_WAITING] = "waiting",
	[JOB_PUSHING] = "pushing",
	[JOB_DONE] = "done",
	[JOB_ON_HOLD] = "on_hold",
	[JOB_FAILED] = "failed",
	[JOB_CANCELLED] = "cancelled",
	[JOB_SUPERSEDED] = "superseded",
};

static const char *const build_states[BUILD_STATES] = {
	[BUILD_BLOCKED] = "blocked",
	[BUILD_READY] = "ready",
	[BUILD_BUILDING] = "building",
	[BUILD_VERIFYING] = "verifying",
	[BUILD_PUSHING] = "pushing",
	[BUILD_DONE] = "done",
	[BUILD_FAILED] = "failed",
};

static int find(const char *const *names, int n, const char *name)
{
	for (int i = 0; name != NULL && i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *job_state_name(enum job_state state)
{
	return job_states[state];
}

bool job_state_from_name(const char *name, enum job_state *out)
{
	int i = find(job_states, JOB_STATES, name);

	if (i >= 0)
		*out = (enum job_state)i;
	return i >= 0;
}

const char *build_state_name(enum build_state state)
{
	return build_states[state];
}

bool build_state_from_name(const char *name, enum build_state *out)
{
	int i = find(build_states, BUILD_STATES, name);

	if (i >= 0)
		*out = (enum build_state)i;
	return i >= 0;
}

bool job_state_is_final(enum job_state state)
{
	return state == JOB_DONE || state == JOB_FAILED || state == JOB_CANCELLED ||
	       state == JOB_SUPERSEDED;
}

bool build_state_is_final(enum build_state state)
{
	return state == BUILD_DONE || state == BUILD_FAILED;
}

void job_finish(struct job *job)
{
	free(job->attr);
	free(job->caps);
	free(job->caps_from);
	free(job->built_caps);
	free(job->same_as);
	free(job->flavour);
	free(job->rev);
	free(job->rev_from);
	free(job->system);
	free(job->submitter);
	free(job->reason);
	free(job->drv_path);
	free(job->outputs);
	memset(job, 0, sizeof *job);
}

void build_finish(struct build *build)
{
	free(build->drv_path);
	free(build->name);
	free(build->system);
	free(build->features);
	free(build->outputs);
	free(build->reason);
	free(build->builder);
	memset(build, 0, sizeof *build);
}
