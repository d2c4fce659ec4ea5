#include "daemon/api/render.h"

#include <string.h>

#include "daemon/pipeline/why.h"
#include "daemon/store/build.h"
#include "daemon/store/code.h"
#include "lib/gpu_code_json.h"
#include "lib/job_json.h"
#include "lib/mem.h"

static void text_or_null(struct json_out *out, const char *name, const char *text)
{
	json_out_text(out, name, text[0] == '\0' ? NULL : text);
}

void render_eta(struct pipeline *p, int64_t build_id, struct json_out *out, const char *name)
{
	struct eta eta;

	eta_to_json(build_id != 0 && pipeline_eta(p, build_id, &eta) ? &eta : NULL, out, name);
}

void render_progress(struct pipeline *p, int64_t build_id, const char *build_name,
	struct json_out *out, const char *name)
{
	int64_t pushed = pipeline_pushed_bytes(p, build_id);
	struct build_progress progress = { .phase = "", .derivation = "", .last_line = "" };

	if (!pipeline_progress(p, build_id, &progress) && pushed < 0) {
		json_out_null(out, name);
		return;
	}
	json_out_object(out, name);
	json_out_int(out, "build", build_id);
	json_out_text(out, "name", build_name);
	text_or_null(out, "phase", progress.phase);
	text_or_null(out, "derivation", progress.derivation);
	json_out_int(out, "done", progress.done);
	json_out_int(out, "expected", progress.expected);
	json_out_double(out, "seconds", (double)progress.elapsed_ms / 1000);
	text_or_null(out, "last_line", progress.last_line);
	if (pushed < 0)
		json_out_null(out, "pushed_bytes");
	else
		json_out_int(out, "pushed_bytes", pushed);
	json_out_end_object(out);
}

static bool is_active(const struct pipeline *p, int64_t build_id)
{
	struct build_progress progress;

	return pipeline_progress(p, build_id, &progress) || pipeline_pushed_bytes(p, build_id) >= 0;
}

/* Of the build at the end of what a job waits for; most of them only wait as well. */
static void render_job_progress(struct pipeline *p, const struct why *why, struct json_out *out)
{
	int64_t last = why->n_chain == 0 ? 0 : why->chain[why->n_chain - 1];
	struct build build;

	if (last == 0 || !is_active(p, last) || !store_build_get(pipeline_store(p), last, &build)) {
		json_out_null(out, "progress");
		return;
	}
	render_progress(p, build.id, build.name, out, "progress");
	build_finish(&build);
}

static void words_to_json(struct json_out *out, const char *name, const char *words)
{
	cleanup_free char *copy = xstrdup(words);
	char *rest = copy, *word;

	json_out_array(out, name);
	while ((word = strsep(&rest, " ")) != NULL)
		json_out_text(out, NULL, word);
	json_out_end_array(out);
}

static void units_to_json(struct json_out *out, const char *kinds)
{
	cleanup_json struct json *json = NULL;
	struct gpu_code code = { .n_archs = 0 };

	if (json_parse(kinds, strlen(kinds), &json, NULL) == 0)
		(void)gpu_kinds_from_json(json, &code, NULL); /* It was written by us. */
	gpu_code_members_to_json(&code, out);
	gpu_code_finish(&code);
}

void render_gpu_code(struct pipeline *p, int64_t build_id, struct json_out *out, const char *name)
{
	struct code_seen seen;

	if (build_id == 0 || !store_code_get(pipeline_store(p), build_id, &seen)) {
		json_out_null(out, name);
		return;
	}
	json_out_object(out, name);
	json_out_text(out, "verdict", verdict_name(seen.verdict));
	json_out_text(out, "policy", seen.is_required ? "require" : "report");
	words_to_json(out, "asked", seen.asked);
	json_out_bool(out, "refused", seen.is_refused);
	json_out_text(out, "reason", seen.reason);
	json_out_int(out, "files", seen.n_files);
	units_to_json(out, seen.kinds);
	json_out_time(out, "seen_at", seen.at);
	json_out_end_object(out);
	code_seen_finish(&seen);
}

void render_job(struct pipeline *p, const struct job *job, struct json_out *out, const char *name,
	bool open)
{
	struct why why;

	json_out_object(out, name);
	job_members_to_json(job, out);
	if (job_state_is_final(job->state)) {
		json_out_null(out, "progress");
		json_out_null(out, "waits_for");
		json_out_null(out, "eta");
	} else {
		why_job(p, job, WHY_FOR_TABLE, &why);
		render_job_progress(p, &why, out);
		json_out_text(out, "waits_for", why.brief.len == 0 ? NULL : str_text(&why.brief));
		render_eta(p, job->build_id, out, "eta");
		why_finish(&why);
	}
	if (!open)
		json_out_end_object(out);
}

void render_build(struct pipeline *p, const struct build *build, struct json_out *out,
	const char *name, bool open)
{
	json_out_object(out, name);
	build_members_to_json(build, out);
	render_progress(p, build->id, build->name, out, "progress");
	render_eta(p, build->id, out, "eta");
	if (!open)
		json_out_end_object(out);
}
