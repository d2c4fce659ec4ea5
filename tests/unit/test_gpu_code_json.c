/* GPU code as JSON: what is written is read back, and nothing else is taken. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/gpu_code_json.h"
#include "lib/gpu_files.h"
#include "lib/gpu_verify.h"
#include "lib/mem.h"
#include "tests/support/fixture.h"

static int read_kinds(const char *text, struct gpu_code *out, struct err *err)
{
	cleanup_json struct json *json = NULL;

	*out = (struct gpu_code){ .n_archs = 0 };
	assert_int_equal(json_parse(text, strlen(text), &json, err), 0);
	return gpu_kinds_from_json(json, out, err);
}

/* ---- there and back ---- */

static void members(const struct gpu_code *code, struct json_out *out)
{
	json_out_object(out, NULL);
	gpu_code_members_to_json(code, out);
	gpu_kinds_to_json(code, out, "kinds");
	json_out_end_object(out);
}

struct seen {
	size_t n, n_errors;
	char *kinds;
};

/* All of a file's units comes back, so the same is said of it; stubs do not. */
static void on_file(void *owner, const char *path, const struct gpu_code *code)
{
	struct seen *seen = owner;
	struct json_out kinds = { 0 }, before = { 0 }, after = { 0 };
	struct gpu_code bare = *code, back;
	struct err err;

	gpu_kinds_to_json(code, &kinds, NULL);
	if (read_kinds(kinds.text.text, &back, &err) < 0)
		fail_msg("%s: %s", path, err.text);
	assert_int_equal(back.n_units, code->n_units);
	bare.any = (struct gpu_unit){ 0 };
	for (size_t i = 0; i < code->n_units; i++) {
		bare.any.sass |= code->units[i].sass;
		bare.any.ptx |= code->units[i].ptx;
		bare.any.lto |= code->units[i].lto;
	}
	members(&bare, &before);
	members(&back, &after);
	assert_string_equal(after.text.text, before.text.text);
	seen->n++;
	seen->kinds = kinds.text.text;
	str_free(&before.text);
	str_free(&after.text);
	gpu_code_finish(&back);
}

static void on_error(void *owner, const char *path, const struct err *err)
{
	struct seen *seen = owner;

	(void)path;
	(void)err;
	seen->n_errors++;
}

static void read_fixture(const char *name, struct seen *out)
{
	cleanup_free char *path = fixture_path(name);
	const struct gpu_files_reader reader = { on_file, on_error, out };

	*out = (struct seen){ 0 };
	gpu_files_read(path, &reader);
}

static void what_is_written_is_read_back(void **state)
{
	static const char *const names[] = { "arch_80.fatbin", "arch_100f.fatbin", "arch_90a.cubin",
		"default.so", "mixed_units.so", "ptx_only.so", "a_beside.so", "nested.a", "lto.o",
		"host_only.so", "rdc_and_plain.so" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *name = str_format("fatbin/%s", names[i]);
		struct seen seen;

		read_fixture(name, &seen);
		assert_int_equal(seen.n, 1);
		free(seen.kinds);
	}
}

static void units_that_are_alike_are_counted(void **state)
{
	static const char mixed[] =
		"[{\"units\":1,\"sass\":[\"sm_80\"],\"ptx\":[],\"lto\":[]},"
		"{\"units\":1,\"sass\":[\"sm_80\",\"sm_90\"],\"ptx\":[\"compute_90\"],\"lto\":[]}]";
	struct json_out out = { 0 };
	struct gpu_code code;
	struct seen seen;
	struct err err;

	(void)state;
	read_fixture("fatbin/mixed_units.so", &seen);
	assert_string_equal(seen.kinds, mixed);
	assert_int_equal(read_kinds("[{\"units\":2,\"sass\":[\"sm_80\"],\"ptx\":[],\"lto\":[]},"
				    "{\"units\":3,\"sass\":[\"sm_80\"],\"ptx\":[],\"lto\":[]}]",
				 &code, &err),
		0);
	gpu_kinds_to_json(&code, &out, NULL);
	assert_string_equal(
		out.text.text, "[{\"units\":5,\"sass\":[\"sm_80\"],\"ptx\":[],\"lto\":[]}]");
	gpu_code_finish(&code);
	str_free(&out.text);
	free(seen.kinds);
}

/* What a later question is answered from. */
static void what_was_read_can_be_verified(void **state)
{
	cleanup_str struct str lacks = { 0 };
	struct capability_set asked;
	struct gpu_code code;
	struct err err;

	(void)state;
	assert_int_equal(
		read_kinds("[{\"units\":11,\"sass\":[\"sm_80\",\"sm_90a\"],\"ptx\":[],\"lto\":[]},"
			   "{\"units\":1,\"sass\":[\"sm_90a\"],\"ptx\":[],\"lto\":[]}]",
			&code, &err),
		0);
	assert_int_equal(capability_set_parse("8.0,9.0a", &asked, &err), 0);
	assert_false(gpu_verify(&code, &asked, &lacks));
	assert_string_equal(lacks.text, "sm_80 (in 11 of 12 units)");
	gpu_code_finish(&code);
}

static void nothing_else_is_taken(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{ "{}", "kinds of units are no array" },
		{ "[{}]", "a kind without its number of units" },
		{ "[{\"units\":0,\"sass\":[],\"ptx\":[],\"lto\":[]}]",
			"a kind without its number of units" },
		{ "[{\"units\":1048577,\"sass\":[],\"ptx\":[],\"lto\":[]}]",
			"a kind without its number of units" },
		{ "[{\"units\":1,\"ptx\":[],\"lto\":[]}]", "a kind of units without names 'sm_'" },
		{ "[{\"units\":1,\"sass\":[\"compute_80\"],\"ptx\":[],\"lto\":[]}]",
			"a name that does not begin with 'sm_'" },
		{ "[{\"units\":1,\"sass\":[\"sm_80b\"],\"ptx\":[],\"lto\":[]}]",
			"a name that does not begin with 'sm_'" },
		{ "[{\"units\":1,\"sass\":[\"sm_\"],\"ptx\":[],\"lto\":[]}]",
			"a name that does not begin with 'sm_'" },
		{ "[{\"units\":1,\"sass\":[],\"ptx\":[80],\"lto\":[]}]",
			"a name that does not begin with 'compute_'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gpu_code code;
		struct err err;

		assert_int_equal(read_kinds(cases[i].text, &code, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].sentence);
		gpu_code_finish(&code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(units_that_are_alike_are_counted),
		cmocka_unit_test(what_was_read_can_be_verified),
		cmocka_unit_test(nothing_else_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
