/* Requests and records: what is taken is written so that it is taken as the same. */
#include "lib/job_json.h"
#include "tests/fuzz/fuzz.h"

static struct json *parse(const struct json_out *out)
{
	struct json *json = NULL;

	CHECK(json_parse(out->text.text, out->text.len, &json, NULL) == 0);
	return json;
}

static void check_spec(const struct json *json)
{
	struct job_spec spec, again;
	struct json_out out = { 0 };
	struct err err = { 0 };
	struct json *written;

	if (job_spec_from_json(json, &spec, &err) < 0) {
		CHECK(err.text[0] != '\0');
		return;
	}
	job_spec_to_json(&spec, &out);
	written = parse(&out);
	CHECK(job_spec_from_json(written, &again, NULL) == 0);
	CHECK(strcmp(spec.attr, again.attr) == 0 && strcmp(spec.caps, again.caps) == 0);
	CHECK(strcmp(spec.rev, again.rev) == 0 && strcmp(spec.flavour, again.flavour) == 0);
	CHECK(strcmp(spec.system, again.system) == 0 && spec.priority == again.priority);
	json_free(written);
	str_free(&out.text);
}

static void check_job(const struct json *json)
{
	struct json_out once = { 0 }, twice = { 0 };
	struct job job, again;
	struct json *written;

	if (job_from_json(json, &job, NULL) < 0)
		return;
	job_to_json(&job, &once, NULL);
	written = parse(&once);
	CHECK(job_from_json(written, &again, NULL) == 0);
	job_to_json(&again, &twice, NULL);
	CHECK(strcmp(str_text(&once.text), str_text(&twice.text)) == 0);
	job_finish(&job);
	job_finish(&again);
	json_free(written);
	str_free(&once.text);
	str_free(&twice.text);
}

static void check_build(const struct json *json)
{
	struct json_out once = { 0 }, twice = { 0 };
	struct build build, again;
	struct json *written;

	if (build_from_json(json, &build, NULL) < 0)
		return;
	build_to_json(&build, &once, NULL);
	written = parse(&once);
	CHECK(build_from_json(written, &again, NULL) == 0);
	build_to_json(&again, &twice, NULL);
	CHECK(strcmp(str_text(&once.text), str_text(&twice.text)) == 0);
	build_finish(&build);
	build_finish(&again);
	json_free(written);
	str_free(&once.text);
	str_free(&twice.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json struct json *json = NULL;

	if (json_parse((const char *)data, size, &json, NULL) < 0)
		return 0;
	check_spec(json);
	check_job(json);
	check_build(json);
	return 0;
}
