/* Requests in, records out and back in. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/job_json.h"
#include "lib/mem.h"

static struct json *parse(const char *text)
{
	struct json *json;
	struct err err = { 0 };

	if (json_parse(text, strlen(text), &json, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return json;
}

/* ---- requests ---- */

static void requests_are_read(void **state)
{
	static const struct {
		const char *json, *again; /* `again`: written out, which reads as the same. */
	} cases[] = {
		{ "{\"attr\":\"hello\",\"caps\":\"8.6\"}",
			"{\"attr\":\"hello\",\"caps\":\"8.6\",\"flavour\":\"default\"}" },
		{ "{\"caps\":[\"8.6\",\"8.0\"],\"ptx\":true,\"attr\":\"a.\\\"b\\\"\",\"rev\":"
		  "\"master\","
		  "\"flavour\":\"mkl\",\"system\":\"aarch64-linux\",\"priority\":-1000}",
			"{\"attr\":\"a.b\",\"caps\":\"8.0,8.6+PTX\",\"rev\":\"master\",\"flavour\":"
			"\"mkl\",\"system\":\"aarch64-linux\",\"priority\":-1000}" },
		{ "{\"attr\":\"a\",\"caps\":\"8.6+PTX\",\"ptx\":true,\"rev\":null,\"flavour\":null,"
		  "\"system\":null,\"priority\":null}",
			"{\"attr\":\"a\",\"caps\":\"8.6+PTX\",\"flavour\":\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"8.6+PTX\",\"ptx\":null,\"rev\":\"\",\"flavour\":\"\","
		  "\"system\":\"\",\"priority\":0}",
			"{\"attr\":\"a\",\"caps\":\"8.6+PTX\",\"flavour\":\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"8.6\",\"rev\":\"m\",\"leftover\":false}",
			"{\"attr\":\"a\",\"caps\":\"8.6\",\"rev\":\"m\",\"flavour\":\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"8.6\",\"unsupported\":\"fail\"}",
			"{\"attr\":\"a\",\"caps\":\"8.6\",\"flavour\":\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"8.6\",\"unsupported\":\"closest\"}",
			"{\"attr\":\"a\",\"caps\":\"8.6\",\"flavour\":\"default\",\"unsupported\":"
			"\"closest\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"8.6\",\"leftover\":true}",
			"{\"attr\":\"a\",\"caps\":\"8.6\",\"flavour\":\"default\",\"leftover\":true}" },
		{ "{\"attr\":\"a\",\"caps\":\"default\"}",
			"{\"attr\":\"a\",\"caps\":\"default\",\"flavour\":\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"each\",\"ptx\":true}",
			"{\"attr\":\"a\",\"caps\":\"each+PTX\",\"flavour\":\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":\"each:8.6, 8.0\"}",
			"{\"attr\":\"a\",\"caps\":\"each:8.0,8.6\",\"flavour\":\"default\"}" },
		/* Each is a job of its own, so these may stand together. */
		{ "{\"attr\":\"a\",\"caps\":\"each:8.6,8.7,10.0,10.0f\"}",
			"{\"attr\":\"a\",\"caps\":\"each:8.6,8.7,10.0,10.0f\",\"flavour\":"
			"\"default\"}" },
		{ "{\"attr\":\"a\",\"caps\":[\"9.0a\"],\"ptx\":false,\"priority\":1e3}",
			"{\"attr\":\"a\",\"caps\":\"9.0a\",\"flavour\":\"default\",\"priority\":"
			"1000}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json struct json *json = parse(cases[i].json), *again = NULL;
		struct json_out out = { 0 };
		struct job_spec spec, same;
		struct err err = { 0 };

		if (job_spec_from_json(json, &spec, &err) < 0)
			fail_msg("%s", err.text);
		job_spec_to_json(&spec, &out);
		assert_string_equal(str_text(&out.text), cases[i].again);
		again = parse(str_text(&out.text));
		assert_int_equal(job_spec_from_json(again, &same, NULL), 0);
		assert_memory_equal(&spec, &same, sizeof spec);
		str_free(&out.text);
	}
}

#define A "\"attr\":\"a\","
#define C "\"caps\":\"8.6\""

static void other_requests_are_refused(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{ "5", "a job must be an object, not a number" },
		{ "[]", "a job must be an object, not an array" },
		{ "{}", "a job needs 'attr', an attribute path" },
		{ "{" C "}", "a job needs 'attr', an attribute path" },
		{ "{\"attr\":\"a\"}", "a job needs 'caps', a capability set such as \"8.6\"" },
		{ "{\"attr\":null," C "}", "'attr' is null; expected a string" },
		{ "{\"attr\":[\"a\"]," C "}", "'attr' is an array; expected a string" },
		{ "{\"attr\":\"a..b\"," C "}",
			"attribute path 'a..b': an element is empty (two dots, or one at the "
			"edge)" },
		{ "{" A "\"caps\":null}", "'caps' is null; expected a string such as \"8.6\" or an "
					  "array of strings" },
		{ "{" A "\"caps\":86}",
			"'caps' is a number; expected a string such as \"8.6\" or an "
			"array of strings" },
		{ "{" A "\"caps\":[]}", "the capability set is empty" },
		{ "{" A "\"caps\":\"\"}", "the capability set is empty" },
		{ "{" A "\"caps\":[8.6]}", "'caps' holds a number; expected strings" },
		{ "{" A "\"caps\":[\"86\"]}", "capability '86': write it as nixpkgs does, '8.6'" },
		{ "{" A "\"caps\":[\"8.6+PTX\"]}",
			"capability '8.6+PTX': '+PTX' stands once, behind the whole set" },
		{ "{" A "\"caps\":\"sm_86\"}",
			"capability 'sm_86': write it as nixpkgs does, '8.6'" },
		{ "{" A C ",\"ptx\":\"yes\"}", "'ptx' is a string; expected a boolean" },
		{ "{" A "\"caps\":\"8.6+PTX\",\"ptx\":false}",
			"'caps' says +PTX and 'ptx' says false" },
		{ "{" A "\"caps\":\"default\",\"ptx\":true}",
			"'ptx' does not go with \"default\": the revision says whether" },
		{ "{" A "\"caps\":\"default+PTX\"}",
			"'default+PTX': 'default' stands alone; its set, and whether it has PTX, are "
			"the revision's own" },
		{ "{" A "\"caps\":\"each8.6\"}",
			"'each8.6': expected 'each', or 'each:8.0,8.6' for a thin job of each of "
			"these" },
		{ "{" A "\"caps\":\"each:\"}", "the capability set is empty" },
		{ "{" A "\"caps\":\"each:8.4\"}", "capability 8.4: there is none; see capq gpus" },
		{ "{" A "\"caps\":\"8.6,8.7\"}",
			"nixpkgs: 8.7 is a Jetson's and cannot be built together with 8.6; submit "
			"two jobs" },
		{ "{" A "\"caps\":[\"default\"]}",
			"capability 'default': expected major.minor such as '8.6', '9.0a' or "
			"'10.0f'" },
		{ "{" A C ",\"unsupported\":\"nearest\"}",
			"'unsupported' must be \"fail\", \"skip\" or \"closest\"" },
		{ "{" A C ",\"rev\":1}", "'rev' is a number; expected a string" },
		{ "{" A C ",\"rev\":\"--upload-pack=x\"}",
			"'rev' is no branch, tag or hash: '--upload-pack=x'" },
		{ "{" A C ",\"rev\":\"-\"}", "'rev' is no branch, tag or hash: '-'" },
		{ "{" A C ",\"rev\":\"a..b\"}", "'rev' is no branch, tag or hash: 'a..b'" },
		{ "{" A C ",\"flavour\":{}}", "'flavour' is an object; expected a string" },
		{ "{" A C ",\"system\":true}", "'system' is a boolean; expected a string" },
		{ "{" A C ",\"leftover\":1}", "'leftover' must be true or false" },
		{ "{" A C ",\"priority\":1001}",
			"'priority' must be a whole number, -1000 to 1000" },
		{ "{" A C ",\"priority\":-1001}",
			"'priority' must be a whole number, -1000 to 1000" },
		{ "{" A C ",\"priority\":0.5}",
			"'priority' must be a whole number, -1000 to 1000" },
		{ "{" A C ",\"priority\":\"1\"}",
			"'priority' must be a whole number, -1000 to 1000" },
		{ "{" A C ",\"Rev\":\"x\"}",
			"'Rev' means nothing here; a job has attr, caps, ptx, "
			"rev, flavour, system, priority, unsupported, leftover" },
		{ "{" A C ",\"atr\":1}",
			"'atr' means nothing here; a job has attr, caps, ptx, rev, "
			"flavour, system, priority, unsupported, leftover" },
		{ "{" A C ",\"cudaEnableForwardCompat\":false}",
			"'cudaEnableForwardCompat': PTX is asked for by \"ptx\": true" },
		{ "{" A C ",\"cudaCapabilities\":[]}", "'cudaCapabilities' is called 'caps' here" },
		{ "{" A "\"caps\":[\"10.0f\",\"10.0\"]}",
			"10.0 and 10.0f: nvcc refuses a capability beside its family; take one of "
			"them" },
		{ "{" A "\"caps\":\"8.4\"}", "capability 8.4: there is none; see capq gpus" },
		{ "{" A A C "}", "'attr' is there twice" },
		{ "{" A C "," C "}", "'caps' is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json struct json *json = parse(cases[i].json);
		struct job_spec spec = { .attr = "untouched" };
		struct err err;

		assert_int_equal(job_spec_from_json(json, &spec, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
		assert_string_equal(spec.attr, "untouched");
	}
}

static void strings_have_their_limits(void **state)
{
	static const struct {
		const char *name;
		size_t max;
	} cases[] = { { "rev", REV_NAME_MAX }, { "flavour", FLAVOUR_MAX },
		{ "system", SYSTEM_MAX } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *most = xcalloc(cases[i].max + 2, 1), *json = NULL;
		cleanup_free char *why =
			str_format("'%s' is longer than %zu bytes", cases[i].name, cases[i].max);
		cleanup_json struct json *fits = NULL, *does_not = NULL;
		struct job_spec spec;
		struct err err;

		memset(most, 'x', cases[i].max);
		json = str_format("{" A C ",\"%s\":\"%s\"}", cases[i].name, most);
		fits = parse(json);
		assert_int_equal(job_spec_from_json(fits, &spec, NULL), 0);
		free(json);
		json = str_format("{" A C ",\"%s\":\"%sx\"}", cases[i].name, most);
		does_not = parse(json);
		assert_int_equal(job_spec_from_json(does_not, &spec, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, why);
	}
}

static void too_many_capabilities(void **state)
{
	struct json_out out = { 0 };
	struct json *json;
	struct job_spec spec;
	struct err err;

	(void)state;
	json_out_object(&out, NULL);
	json_out_text(&out, "attr", "a");
	json_out_array(&out, "caps");
	for (int i = 0; i < 33; i++) {
		char text[8];

		(void)snprintf(text, sizeof text, "%d.%d", 10 + i / 10, i % 10);
		json_out_text(&out, NULL, text);
	}
	json_out_end_array(&out);
	json_out_end_object(&out);
	json = parse(str_text(&out.text));
	assert_int_equal(job_spec_from_json(json, &spec, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "more than 32 capabilities");
	json_free(json);
	str_free(&out.text);
}

/* ---- records ---- */

static const char full_job[] =
	"{\"id\":9007199254740993,\"attr\":\"a\",\"caps\":[\"8.0\",\"8.6\"],\"ptx\":true,"
	"\"caps_from\":\"default\",\"built\":{\"caps\":[\"8.0\"],\"ptx\":true},"
	"\"unsupported\":\"closest\",\"skipped\":true,\"flavour\":\"default\",\"rev\":\"0123456789abcdef0123456789abcdef01234567\","
	"\"rev_from\":\"branch master\",\"trusted\":true,\"system\":\"x86_64-linux\","
	"\"priority\":1000,\"leftover\":true,\"submitter\":\"root\",\"state\":\"failed\",\"reason\":\"because\","
	"\"failure_class\":\"out of memory\",\"drv_path\":\"/nix/store/x.drv\",\"same_as\":"
	"\"8.6\",\"outputs\":{\"out\":\"/nix/store/x\"},\"build\":3,\"attempts\":2,"
	"\"submitted_at\":\"2026-11-22T17:25:01.042Z\",\"started_at\":\"2026-11-22T17:25:02.000Z\","
	"\"finished_at\":\"2026-11-22T17:25:03.999Z\",\"cost\":{\"wall_seconds\":1.001,"
	"\"core_seconds\":5184000.123,\"bytes_pushed\":0}}";

static const char new_job[] =
	"{\"id\":1,\"attr\":\"a\",\"caps\":[\"8.6\"],\"ptx\":false,\"caps_from\":null,"
	"\"built\":null,\"unsupported\":\"fail\",\"skipped\":false,"
	"\"flavour\":\"default\",\"rev\":\"r\",\"rev_from\":\"hash\",\"trusted\":false,\"system\":\"s\",\"priority\":-1000,"
	"\"leftover\":false,\"submitter\":\"root\",\"state\":\"evaluating\",\"reason\":null,\"failure_class\":null,"
	"\"drv_path\":null,\"same_as\":null,\"outputs\":null,\"build\":null,\"attempts\":0,\"submitted_at\":null,"
	"\"started_at\":null,\"finished_at\":null,\"cost\":{\"wall_seconds\":null,"
	"\"core_seconds\":null,\"bytes_pushed\":null}}";

static const char full_build[] =
	"{\"id\":3,\"name\":\"torch-2.5.1\",\"drv_path\":\"/nix/store/x.drv\",\"system\":\"s\","
	"\"features\":\"big-parallel cuda\",\"outputs\":{\"out\":\"/nix/store/x\"},\"kind\":"
	"\"fetch\",\"trusted\":true,\"state\":\"building\",\"reason\":\"r\",\"failure_class\":"
	"\"network\",\"builder\":\"local\",\"attempts\":2,\"tries\":1,"
	"\"not_before\":\"2026-11-22T17:25:01.042Z\",\"created_at\":\"2026-11-22T17:25:01.043Z\","
	"\"ready_at\":\"2026-11-22T17:25:01.044Z\",\"started_at\":\"2026-11-22T17:25:01.045Z\","
	"\"finished_at\":\"2026-11-22T17:25:01.046Z\",\"cost\":{\"wall_seconds\":0.57,"
	"\"core_seconds\":0.29,\"bytes_pushed\":4294967296},\"output_bytes\":0}";

static const char new_build[] =
	"{\"id\":3,\"name\":\"n\",\"drv_path\":\"d\",\"system\":\"s\",\"features\":\"\","
	"\"outputs\":{},\"kind\":\"build\",\"trusted\":false,\"state\":\"blocked\",\"reason\":null,"
	"\"failure_class\":null,\"builder\":null,\"attempts\":0,\"tries\":0,\"not_before\":null,"
	"\"created_at\":null,\"ready_at\":null,\"started_at\":null,\"finished_at\":null,\"cost\":"
	"{\"wall_seconds\":null,\"core_seconds\":null,\"bytes_pushed\":null},\"output_bytes\":"
	"null}";

static void jobs_come_back_as_they_went(void **state)
{
	static const char *const texts[] = { full_job, new_job };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_json struct json *json = parse(texts[i]);
		struct json_out out = { 0 };
		struct job job;

		assert_int_equal(job_from_json(json, &job, NULL), 0);
		job_to_json(&job, &out, NULL);
		assert_string_equal(str_text(&out.text), texts[i]);
		job_finish(&job);
		str_free(&out.text);
	}
}

static void builds_come_back_as_they_went(void **state)
{
	static const char *const texts[] = { full_build, new_build };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_json struct json *json = parse(texts[i]);
		struct json_out out = { 0 };
		struct build build;

		assert_int_equal(build_from_json(json, &build, NULL), 0);
		build_to_json(&build, &out, NULL);
		assert_string_equal(str_text(&out.text), texts[i]);
		build_finish(&build);
		str_free(&out.text);
	}
}

/* The two tests above would not see a value that is lost on both ways. */
static void each_value_has_its_field(void **state)
{
	cleanup_json struct json *json = parse(full_job), *build_json = parse(full_build);
	struct job job;
	struct build build;

	(void)state;
	assert_int_equal(job_from_json(json, &job, NULL), 0);
	assert_int_equal(job.id, 9007199254740993);
	assert_string_equal(job.caps, "8.0,8.6+PTX");
	assert_int_equal(job.state, JOB_FAILED);
	assert_int_equal(job.failure, FAILURE_OUT_OF_MEMORY);
	assert_int_equal(job.build_id, 3);
	assert_int_equal(job.submitted_at, INT64_C(1795368301042));
	assert_int_equal(job.wall_ms, 1001);
	assert_int_equal(job.core_ms, INT64_C(5184000123));
	job_finish(&job);

	assert_int_equal(build_from_json(build_json, &build, NULL), 0);
	assert_true(build.is_fetch);
	assert_true(build.is_trusted);
	assert_int_equal(build.state, BUILD_BUILDING);
	assert_int_equal(build.wall_ms, 570);
	assert_int_equal(build.core_ms, 290);
	assert_int_equal(build.bytes_pushed, INT64_C(4294967296));
	assert_int_equal(build.output_bytes, 0);
	build_finish(&build);
}

/* No millisecond is lost on the way through seconds. */
static void times_are_exact(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < 3000; ms++) {
		struct build build = { .id = 1,
			.name = (char *)"n",
			.drv_path = (char *)"d",
			.system = (char *)"s",
			.wall_ms = ms,
			.core_ms = ms * 1000003,
			.outputs = (char *)"{}" };
		struct json_out out = { 0 };
		struct json *json;
		struct build again;

		build_to_json(&build, &out, NULL);
		json = parse(str_text(&out.text));
		assert_int_equal(build_from_json(json, &again, NULL), 0);
		assert_int_equal(again.wall_ms, ms);
		assert_int_equal(again.core_ms, ms * 1000003);
		build_finish(&again);
		json_free(json);
		str_free(&out.text);
	}
}

static void unknown_outputs_are_null(void **state)
{
	struct build build = { .id = 1 };
	struct json_out out = { 0 };

	(void)state;
	build_to_json(&build, &out, NULL);
	assert_non_null(strstr(str_text(&out.text), "\"outputs\":null,"));
	str_free(&out.text);
}

/* `text` with its first `old` replaced. */
static char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);

	assert_non_null(at);
	return str_format("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void answers_of_another_version_are_refused(void **state)
{
	static const struct {
		const char *text, *old, *new;
	} cases[] = {
		{ full_job, "\"id\"", "\"ID\"" },
		{ full_job, "9007199254740993", "0" },
		{ full_job, "9007199254740993", "-1" },
		{ full_job, "\"attr\":\"a\"", "\"attr\":null" },
		{ full_job, "\"flavour\"", "\"flavor\"" },
		{ full_job, "\"rev\"", "\"revision\"" },
		{ full_job, "\"x86_64-linux\"", "1" },
		{ full_job, "\"failed\"", "\"broken\"" },
		{ full_job, "\"out of memory\"", "\"oom\"" },
		{ full_job, "\"caps\"", "\"Caps\"" },
		{ full_job, "[\"8.0\",\"8.6\"]", "[]" },
		{ full_job, "[\"8.0\",\"8.6\"]", "[1]" },
		{ full_job, "[\"8.0\",\"8.6\"]", "\"8.6\"" },
		{ full_build, "3", "0" },
		{ full_build, "\"name\"", "\"n\"" },
		{ full_build, "\"drv_path\"", "\"drv\"" },
		{ full_build, "\"system\"", "\"s\"" },
		{ full_build, "\"kind\"", "\"k\"" },
		{ full_build, "\"building\"", "\"evaluating\"" },
		{ full_build, "\"network\"", "\"net\"" },
		{ full_build, "{\"out\":\"/nix/store/x\"}", "null" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_job = cases[i].text == full_job;
		cleanup_free char *text = replaced(cases[i].text, cases[i].old, cases[i].new);
		cleanup_json struct json *json = parse(text);
		struct job job;
		struct build build;
		struct err err;

		assert_int_equal(is_job ? job_from_json(json, &job, &err)
					: build_from_json(json, &build, &err),
			CAPQ_EINVAL);
		assert_string_equal(err.text,
			is_job ? "the daemon's answer is no job as this version knows it; are both "
				 "of one version?"
			       : "the daemon's answer is no build as this version knows it; are "
				 "both "
				 "of one version?");
	}
}

/* What a newer daemon adds, and strange numbers, do no harm. */
static void strange_answers_are_taken(void **state)
{
	static const struct {
		const char *old, *new;
	} cases[] = {
		{ "\"id\"", "\"progress\":{},\"id\"" },
		{ "\"priority\":1000", "\"priority\":1001" },
		{ "\"priority\":1000", "\"priority\":-99999999999" },
		{ "\"attempts\":2", "\"attempts\":-1" },
		{ "\"attempts\":2", "\"attempts\":99999999999" },
		{ "\"build\":3", "\"build\":-3" },
		{ "\"wall_seconds\":1.001", "\"wall_seconds\":-1" },
		{ "\"wall_seconds\":1.001", "\"wall_seconds\":1e13" },
		{ "\"bytes_pushed\":0", "\"bytes_pushed\":-7" },
		{ "\"2026-11-22T17:25:01.042Z\"", "\"yesterday\"" },
		{ "\"rev_from\":\"branch master\"", "\"x\":1" },
		{ "\"submitter\":\"root\"", "\"x\":1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = replaced(full_job, cases[i].old, cases[i].new);
		cleanup_json struct json *json = parse(text);
		struct job job;

		assert_int_equal(job_from_json(json, &job, NULL), 0);
		assert_true(job.priority == 0 || job.priority == PRIORITY_MAX);
		assert_true(job.attempts >= 0);
		assert_true(job.build_id >= 0);
		assert_true(job.wall_ms >= -1 && job.bytes_pushed >= -1);
		assert_true(job.submitted_at >= 0);
		assert_non_null(job.rev_from);
		assert_non_null(job.submitter);
		job_finish(&job);
	}
}

static void times_in_json(void **state)
{
	cleanup_json struct json *json =
		parse("[\"2026-11-22T17:25:01.042Z\",\"2026-11-22T17:25:01.4Z\",null,5]");
	const struct json *v = json_first(json);

	(void)state;
	assert_int_equal(json_time(v), INT64_C(1795368301042));
	while ((v = json_next(v)) != NULL)
		assert_int_equal(json_time(v), 0);
	assert_int_equal(json_time(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(other_requests_are_refused),
		cmocka_unit_test(strings_have_their_limits),
		cmocka_unit_test(too_many_capabilities),
		cmocka_unit_test(jobs_come_back_as_they_went),
		cmocka_unit_test(builds_come_back_as_they_went),
		cmocka_unit_test(each_value_has_its_field),
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(unknown_outputs_are_null),
		cmocka_unit_test(answers_of_another_version_are_refused),
		cmocka_unit_test(strange_answers_are_taken),
		cmocka_unit_test(times_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
