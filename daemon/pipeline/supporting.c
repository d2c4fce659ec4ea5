#include "daemon/pipeline/supporting.h"

#include <inttypes.h>

#include "daemon/pipeline/inside.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/store/context.h"
#include "daemon/store/job.h"
#include "daemon/store/support.h"

/* ---- what is known ---- */

bool support_known(struct pipeline *p, const struct probe_key *key, const char *attr,
	struct capability_set *out)
{
	return settings_supported(p->settings, attr, out) ||
	       store_support_get(p->store, attr, key, out);
}

void support_keep(struct pipeline *p, const struct probe_key *key, const char *attr,
	const struct capability_set *supported)
{
	store_support_put(p->store, attr, key, supported);
}

/* ---- what becomes of a job ---- */

/* The context that differs in its set alone. */
static int64_t enter_context(
	struct pipeline *p, const struct context *like, const struct capability_set *set)
{
	char caps[CAPABILITY_SET_TEXT_MAX];

	capability_set_format(set, caps);
	return store_context(p->store, like->revision_id, caps, like->flavour, like->flavour_digest,
		like->system);
}

static void build_other(struct pipeline *p, const struct job *job, const struct capability_set *set,
	const char *why)
{
	struct context context = { 0 };

	if (!store_job_context(p->store, job->id, &context))
		return;
	store_job_set_built(p->store, job->id, enter_context(p, &context, set));
	log_fact("job %" PRId64 ": %s", job->id, why);
	context_finish(&context);
	pipeline_wake(p);
}

static bool decide(
	struct pipeline *p, const struct job *job, const struct capability_set *supported)
{
	cleanup_str struct str why = { 0 };
	struct capability_set asked, built;

	if (job->state != JOB_EVALUATING || job->built_caps != NULL ||
		capability_set_parse(job->caps, &asked, NULL) < 0)
		return false;
	switch (support_choose(&asked, supported, job->unsupported, &built, &why)) {
	case SUPPORT_ALL:
		return false;
	case SUPPORT_OTHER:
		build_other(p, job, &built, str_text(&why));
		return true;
	case SUPPORT_SKIPPED:
		job_skipped(p, job->id, str_text(&why));
		return true;
	case SUPPORT_REFUSED:
		job_not_evaluated(p, job->id, FAILURE_UNSUPPORTED, str_text(&why));
		return true;
	}
	return false;
}

bool support_decides(struct pipeline *p, int64_t job_id, const struct capability_set *supported)
{
	struct job job;
	bool is_decided;

	if (!store_job_get(p->store, job_id, &job))
		return false;
	is_decided = decide(p, &job, supported);
	job_finish(&job);
	return is_decided;
}
