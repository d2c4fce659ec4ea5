/* GET /jobs/{id}/why and /builds/{id}/why. */
#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/api/render.h"
#include "daemon/pipeline/why.h"
#include "daemon/store/attempt.h"
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

static void add_start(void *owner, const struct start *start)
{
	struct json_out *out = owner;

	json_out_object(out, "start");
	json_out_text(out, "rule", start->rule);
	json_out_double(out, "score", start->score);
	json_out_time(out, "start_by", start->start_by);
	if (start->runner_up == 0)
		json_out_null(out, "runner_up");
	else
		json_out_int(out, "runner_up", start->runner_up);
	json_out_double(out, "runner_up_score", start->runner_up_score);
	json_out_double(out, "estimate_seconds", (double)start->estimate_ms / 1000);
	json_out_double(out, "estimate_p90_seconds", (double)start->estimate_p90_ms / 1000);
	json_out_text(out, "basis", start->basis);
	json_out_end_object(out);
}

/* Of the newest attempt: by which rule it was started, and what it was expected to take. */
static void add_newest_start(struct pipeline *p, int64_t build_id, struct json_out *out)
{
	struct store *store = pipeline_store(p);
	struct attempt attempt;

	if (!store_attempt_get(store, build_id, 0, &attempt))
		return;
	store_start_of(store, attempt.id, add_start, out);
	attempt_finish(&attempt);
}

static const struct answered *answer_why(
	struct request *r, const char *state, int64_t build_id, struct why *why)
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
	render_eta(request_pipeline(r), build_id, &out, "eta");
	add_newest_start(request_pipeline(r), build_id, &out);
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
	int64_t build_id;

	if (!store_job_get(pipeline_store(p), request_id(r), &job))
		return answer_no_job(r);
	why_job(p, &job, SIZE_MAX, &why);
	state = job_state_name(job.state);
	build_id = job.build_id;
	job_finish(&job);
	return answer_why(r, state, build_id, &why);
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
	return answer_why(r, state, request_id(r), &why);
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
