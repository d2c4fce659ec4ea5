#include <string.h>

#include "daemon/api/method.h"
#include "daemon/api/server.h"
#include "daemon/pipeline/revision.h"
#include "io/clock.h"

static void add_counts(const struct pipeline *p, struct json_out *out)
{
	json_out_object(out, "jobs");
	for (int i = 0; i < JOB_STATES; i++)
		json_out_int(out, job_state_name((enum job_state)i), pipeline_job_counts(p)[i]);
	json_out_end_object(out);
	json_out_object(out, "builds");
	for (int i = 0; i < BUILD_STATES; i++)
		json_out_int(
			out, build_state_name((enum build_state)i), pipeline_build_counts(p)[i]);
	json_out_end_object(out);
}

static void add_texts(struct json_out *out, const char *name, const struct texts *texts)
{
	json_out_array(out, name);
	for (size_t i = 0; i < texts->n; i++)
		json_out_text(out, NULL, texts->items[i]);
	json_out_end_array(out);
}

static void add_builder(const struct pipeline *p, const struct builder *b, struct json_out *out)
{
	const struct sched *sched = pipeline_sched(p);

	json_out_object(out, NULL);
	json_out_text(out, "name", b->name);
	add_texts(out, "systems", &b->systems);
	add_texts(out, "features", &b->features);
	json_out_int(out, "max_jobs", b->max_jobs);
	json_out_int(out, "fetch_jobs", b->fetch_jobs);
	for (uint32_t i = 0; i < sched_n_builders(sched); i++) {
		if (strcmp(sched_builder_name(sched, i), b->name) != 0)
			continue;
		json_out_int(out, "running", sched_running(sched, i, SCHED_BUILD));
		json_out_int(out, "fetching", sched_running(sched, i, SCHED_FETCH));
	}
	json_out_end_object(out);
}

static void add_nixpkgs(const struct pipeline *p, struct json_out *out)
{
	const struct settings *s = pipeline_settings(p);
	const struct revisions *revisions = pipeline_revisions(p);

	json_out_object(out, "nixpkgs");
	json_out_text(out, "source", s->nixpkgs.url != NULL ? s->nixpkgs.url : s->nixpkgs.path);
	json_out_time(out, "fetched_at", revisions_fetched_at(revisions));
	json_out_time(out, "fetching_since", revisions_fetching_since(revisions));
	json_out_text(out, "problem", revisions_problem(revisions));
	json_out_array(out, "branches");
	for (size_t i = 0; s->nixpkgs.url != NULL && i < s->nixpkgs.branches.n; i++) {
		json_out_object(out, NULL);
		json_out_text(out, "name", s->nixpkgs.branches.items[i]);
		json_out_text(
			out, "rev", revision_of_branch(revisions, s->nixpkgs.branches.items[i]));
		json_out_end_object(out);
	}
	json_out_end_array(out);
	json_out_end_object(out);
}

static void add_problem(void *owner, const char *text)
{
	json_out_text(owner, NULL, text);
}

static const struct answered *run(struct request *r)
{
	struct pipeline *p = request_pipeline(r);
	const struct settings *s = pipeline_settings(p);
	const struct builder *builders = s->builders.items;
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	add_counts(p, &out);
	json_out_array(&out, "builders");
	for (size_t i = 0; i < s->builders.n; i++)
		add_builder(p, &builders[i], &out);
	json_out_end_array(&out);
	json_out_double(&out, "long_seconds", sched_long_ms(pipeline_sched(p)) / 1000);
	json_out_int(&out, "evaluating", (int64_t)pipeline_n_evaluations(p));
	json_out_int(&out, "pushing", (int64_t)pipeline_n_pushes(p));
	json_out_text(&out, "cache", s->cache.name);
	add_nixpkgs(p, &out);
	json_out_bool(&out, "draining", pipeline_is_draining(p));
	json_out_array(&out, "problems");
	pipeline_problems(p, add_problem, &out);
	json_out_end_array(&out);
	json_out_time(&out, "now", clock_wall_ms());
	json_out_int(&out, "last_event", pipeline_last_event(p));
	json_out_double(&out, "longest_turn_ms", server_longest_turn_ms(request_server(r)));
	json_out_end_object(&out);
	return answer_json(r, 200, &out);
}

const struct method method_status = {
	.name = "status",
	.verb = "GET",
	.path = "/status",
	.role = ROLE_READ,
	.query = "",
	.run = run,
};
