/* GET /builds and GET /builds/{id}. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/api/filter.h"
#include "daemon/api/method.h"
#include "daemon/api/render.h"
#include "daemon/store/attempt.h"
#include "daemon/store/build.h"
#include "daemon/store/code.h"

struct page {
	struct pipeline *p;
	struct json_out *out;
};

static void add_build(void *owner, const struct build *build)
{
	struct page *page = owner;

	render_build(page->p, build, page->out, NULL, false);
}

static const struct answered *run_list(struct request *r)
{
	struct json_out out = { 0 };
	struct page page = { request_pipeline(r), &out };
	int64_t limit, before_id, next;
	uint32_t states;
	struct err err;

	if (!filter_build_states(request_query(r, "state"), &states, &err) ||
		!filter_page(r, &limit, &before_id, &err))
		return answer_err(r, &err);
	json_out_object(&out, NULL);
	json_out_array(&out, "builds");
	next = store_builds_page(
		pipeline_store(page.p), states, before_id, (int)limit, add_build, &page);
	json_out_end_array(&out);
	filter_add_cursor(&out, next);
	json_out_end_object(&out);
	return answer_json(r, 200, &out);
}

const struct answered *answer_no_build(struct request *r)
{
	char title[64];

	(void)snprintf(title, sizeof title, "there is no build %" PRId64, request_id(r));
	return answer_problem(r, 404, title, NULL, "`capq builds` shows the newest ones.");
}

static void add_attempt(void *owner, const struct attempt *a)
{
	struct json_out *out = owner;

	json_out_object(out, NULL);
	json_out_int(out, "number", a->number);
	json_out_text(out, "builder", a->builder);
	json_out_time(out, "started_at", a->started_at);
	json_out_time(out, "finished_at", a->finished_at);
	json_out_text(out, "outcome", a->outcome);
	json_out_text(
		out, "failure_class", a->failure == FAILURE_NONE ? NULL : failure_name(a->failure));
	json_out_text(out, "reason", a->reason);
	json_out_int(out, "log_bytes", a->log_bytes < 0 ? 0 : a->log_bytes);
	json_out_end_object(out);
}

static void add_code_file(void *owner, const struct code_file *file)
{
	struct json_out *out = owner;

	json_out_object(out, NULL);
	json_out_text(out, "path", file->path);
	json_out_raw(out, "kinds", file->kinds);
	json_out_text(out, "lacks", file->lacks);
	json_out_text(out, "error", file->error);
	json_out_end_object(out);
}

static const struct answered *run_get(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	struct json_out out = { 0 };
	struct build build;

	if (!store_build_get(pipeline_store(p), request_id(r), &build))
		return answer_no_build(r);
	render_build(p, &build, &out, NULL, true);
	json_out_array(&out, "attempt_list");
	store_attempts_of(pipeline_store(p), build.id, add_attempt, &out);
	json_out_end_array(&out);
	render_gpu_code(p, build.id, &out, "gpu_code");
	json_out_array(&out, "gpu_files");
	store_code_files_each(pipeline_store(p), build.id, add_code_file, &out);
	json_out_end_array(&out);
	json_out_end_object(&out);
	build_finish(&build);
	return answer_json(r, 200, &out);
}

const struct method method_list_builds = {
	.name = "listBuilds",
	.verb = "GET",
	.path = "/builds",
	.role = ROLE_READ,
	.query = "state limit cursor",
	.run = run_list,
};

const struct method method_get_build = {
	.name = "getBuild",
	.verb = "GET",
	.path = "/builds/{id}",
	.role = ROLE_READ,
	.query = "",
	.run = run_get,
};
