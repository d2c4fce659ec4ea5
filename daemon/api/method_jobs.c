/* GET /jobs and GET /jobs/{id}. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/api/render.h"
#include "daemon/store/job.h"
#include "daemon/store/plan.h"
#include "lib/rev_name.h"

struct page {
	struct pipeline *p;
	struct json_out *out;
};

static void add_job(void *owner, const struct job *job)
{
	struct page *page = owner;

	render_job(page->p, job, page->out, NULL, false);
}

static bool read_filter(struct request *r, struct job_filter *f, char caps[CAPABILITY_SET_TEXT_MAX],
	struct err *err)
{
	const char *text = request_query(r, "caps");
	struct capability_set set;
	int64_t limit;

	f->attr = request_query(r, "attr");
	f->rev = request_query(r, "rev");
	f->flavour = request_query(r, "flavour");
	f->system = request_query(r, "system");
	if (!filter_job_states(request_query(r, "state"), &f->states, err) ||
		!filter_page(r, &limit, &f->before_id, err) ||
		!request_query_int(r, "build", 1, INT64_MAX, 0, &f->build_id, err))
		return false;
	f->limit = (int)limit;
	if (f->rev != NULL && (strlen(f->rev) < 4 || strlen(f->rev) > 80)) {
		(void)err_set(
			err, CAPQ_EINVAL, "'rev' must be 4 digits or more of a revision's hash");
		return false;
	}
	if (text == NULL)
		return true;
	if (capability_set_parse(text, &set, err) < 0)
		return false;
	capability_set_format(&set, caps);
	f->caps = caps;
	return true;
}

static const struct answered *run_list(struct request *r)
{
	struct json_out out = { 0 };
	struct page page = { request_pipeline(r), &out };
	char caps[CAPABILITY_SET_TEXT_MAX];
	struct job_filter filter = { 0 };
	struct err err;
	int64_t next;

	if (!read_filter(r, &filter, caps, &err))
		return answer_err(r, &err);
	json_out_object(&out, NULL);
	json_out_array(&out, "jobs");
	next = store_jobs_page(pipeline_store(page.p), &filter, add_job, &page);
	json_out_end_array(&out);
	filter_add_cursor(&out, next);
	json_out_end_object(&out);
	return answer_json(r, 200, &out);
}

const struct answered *answer_no_job(struct request *r)
{
	char title[64];

	(void)snprintf(title, sizeof title, "there is no job %" PRId64, request_id(r));
	return answer_problem(r, 404, title, NULL, "`capq list` shows the newest ones.");
}

static const struct answered *run_get(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	struct json_out out = { 0 };
	struct job job;

	if (!store_job_get(pipeline_store(p), request_id(r), &job))
		return answer_no_job(r);
	render_job(p, &job, &out, NULL, true);
	render_gpu_code(p, job.build_id, &out, "gpu_code");
	json_out_end_object(&out);
	job_finish(&job);
	return answer_json(r, 200, &out);
}

#define BUILDS_MAX 1000

static void add_build(void *owner, const struct build *build)
{
	struct page *page = owner;

	render_build(page->p, build, page->out, NULL, false);
}

static const struct answered *run_builds(struct request *r)
{
	struct json_out out = { 0 };
	struct page page = { request_pipeline(r), &out };
	struct job job;

	if (!store_job_get(pipeline_store(page.p), request_id(r), &job))
		return answer_no_job(r);
	json_out_object(&out, NULL);
	json_out_array(&out, "builds");
	if (job.build_id != 0)
		store_needs_closure(
			pipeline_store(page.p), job.build_id, BUILDS_MAX, add_build, &page);
	json_out_end_array(&out);
	json_out_end_object(&out);
	job_finish(&job);
	return answer_json(r, 200, &out);
}

const struct method method_list_jobs = {
	.name = "listJobs",
	.verb = "GET",
	.path = "/jobs",
	.role = ROLE_READ,
	.query = "state attr caps rev flavour system build limit cursor",
	.run = run_list,
};

const struct method method_get_job = {
	.name = "getJob",
	.verb = "GET",
	.path = "/jobs/{id}",
	.role = ROLE_READ,
	.query = "",
	.run = run_get,
};

const struct method method_get_job_builds = {
	.name = "getJobBuilds",
	.verb = "GET",
	.path = "/jobs/{id}/builds",
	.role = ROLE_READ,
	.query = "",
	.run = run_builds,
};
