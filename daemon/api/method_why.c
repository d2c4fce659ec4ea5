/* GET /jobs/{id}/why and /builds/{id}/why. */
#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/api/render.h"
#include "daemon/pipeline/why.h"
#include "daemon/store/build.h"
#include "daemon/store/job.h"

static void add_chain(struct pipeline *p, const struct why *why, struct json_out *out)
{
	json_out_array(out, "builds");
	for (size_t i = 0; i < why->n_chain; i++) {
		struct build build;

		if (!store_build_get(pipeline_store(p), why->chain[i], &build))
			continue;
		render_build(p, &build, out, NULL, false);
		build_finish(&build);
	}
	json_out_end_array(out);
}

static const struct answered *answer_why(struct request *r, const char *state, struct why *why)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	json_out_text(&out, "state", state);
	json_out_text(&out, "rule", why->rule);
	json_out_text(&out, "text", str_text(&why->text));
	add_chain(request_pipeline(r), why, &out);
	if (why->ahead < 0)
		json_out_null(&out, "ahead");
	else
		json_out_int(&out, "ahead", why->ahead);
	json_out_end_object(&out);
	why_finish(why);
	return answer_json(r, 200, &out);
}

static const struct answered *run_job(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	struct job job;
	struct why why;
	const char *state;

	if (!store_job_get(pipeline_store(p), request_id(r), &job))
		return answer_no_job(r);
	why_job(p, &job, SIZE_MAX, &why);
	state = job_state_name(job.state);
	job_finish(&job);
	return answer_why(r, state, &why);
}

static const struct answered *run_build(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	struct build build;
	struct why why;
	const char *state;

	if (!store_build_get(pipeline_store(p), request_id(r), &build))
		return answer_no_build(r);
	why_build(p, &build, SIZE_MAX, &why);
	state = build_state_name(build.state);
	build_finish(&build);
	return answer_why(r, state, &why);
}

const struct method method_why_job = {
	.name = "whyJob",
	.verb = "GET",
	.path = "/jobs/{id}/why",
	.role = ROLE_READ,
	.query = "",
	.run = run_job,
};

const struct method method_why_build = {
	.name = "whyBuild",
	.verb = "GET",
	.path = "/builds/{id}/why",
	.role = ROLE_READ,
	.query = "",
	.run = run_build,
};
