/* What a revision says about capabilities: read, and held against what is asked for. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/probe.h"

static struct probe probe(const char *text)
{
	cleanup_json struct json *json = NULL;
	struct probe p;

	assert_int_equal(json_parse(text, strlen(text), &json, NULL), 0);
	probe_from_json(json, &p);
	return p;
}

static void each_era_is_told_by_its_attributes(void **state)
{
	static const struct {
		const char *attrs, *era; /* NULL: no CUDA that is known. */
	} cases[] = {
		{ "[]", NULL },
		{ "[\"blender\"]", NULL },
		{ "[\"cudatoolkit\"]", "E0" },
		{ "[\"cudaPackages\",\"cudatoolkit\"]", "E0" },
		{ "[\"cudaPackages\",\"cudaFlags\",\"cudaRealCapabilities\"]", "E1" },
		{ "[\"cudaPackages\",\"cudaFlags\"]", "E2" },
		{ "[\"cudaPackages\",\"cudaFlags\",\"gencodeString\"]", "E3" },
		{ "[\"cudaPackages\",\"cudaFlags\",\"flags\",\"gencodeString\",\"isJetsonBuild\"]",
			"E3" },
		{ "[\"cudaPackages\",\"flags\",\"gencodeString\",\"supportedCudaCapabilities\"]",
			"E4" },
		{ "[\"_cuda\",\"cudaPackages\",\"flags\",\"isJetsonBuild\"]", "E4" },
		{ "null", NULL },
		{ "[4, null, {}]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = str_format("{\"attrs\":%s}", cases[i].attrs);
		struct probe p = probe(text);

		assert_int_equal(p.has_cuda, cases[i].era != NULL);
		if (p.has_cuda)
			assert_string_equal(era_name(p.era), cases[i].era);
	}
}

static void what_it_says_is_read(void **state)
{
	static const struct {
		const char *text, *by_default, *supported;
		unsigned major, minor;
	} cases[] = {
		{ "{\"attrs\":[\"_cuda\"],\"cuda\":\"12.8\",\"default\":[\"8.6\",\"7.5\"],"
		  "\"ptx\":true,\"supported\":[\"7.5\",\"8.6\",\"9.0a\"]}",
			"7.5,8.6+PTX", "7.5,8.6,9.0a", 12, 8 },
		{ "{\"attrs\":[\"flags\"],\"cuda\":\"11.8\",\"default\":[\"8.6\"],\"ptx\":false,"
		  "\"supported\":null}",
			"8.6", "", 11, 8 },
		/* The option's own default is on; only E1 says it in the elements. */
		{ "{\"attrs\":[\"flags\"],\"default\":[\"8.6\"],\"ptx\":null}", "8.6+PTX", "", 0,
			0 },
		{ "{\"attrs\":[\"cudaFlags\",\"cudaRealCapabilities\"],"
		  "\"default\":[\"8.0\",\"8.6\",\"8.6+PTX\"],\"ptx\":null}",
			"8.0,8.6+PTX", "", 0, 0 },
		{ "{\"attrs\":[\"cudaFlags\",\"cudaRealCapabilities\"],\"default\":[\"8.6\"]}",
			"8.6", "", 0, 0 },
		/* Not what a revision of nixpkgs would say. */
		{ "{\"attrs\":[\"_cuda\"],\"cuda\":\"../..\",\"default\":[\"sm_86\"],"
		  "\"supported\":[\"8.6\",7]}",
			"", "", 0, 0 },
		{ "{\"attrs\":[\"_cuda\"],\"cuda\":12,\"default\":{\"a\":\"8.6\"},"
		  "\"supported\":\"8.6\"}",
			"", "", 0, 0 },
		{ "{\"attrs\":[\"_cuda\"],\"default\":[\"8.6+SASS\"],"
		  "\"supported\":[\"888888888888.6\"]}",
			"", "", 0, 0 },
		{ "{\"attrs\":[\"_cuda\"],\"default\":[],\"supported\":[]}", "", "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct probe p = probe(cases[i].text);
		cleanup_free char *by_default = capability_set_text(&p.by_default);
		cleanup_free char *supported = capability_set_text(&p.supported);

		if (p.by_default.n > 0)
			assert_string_equal(by_default, cases[i].by_default);
		else
			assert_string_equal("", cases[i].by_default);
		assert_string_equal(supported, cases[i].supported);
		assert_int_equal(p.cuda.major, cases[i].major);
		assert_int_equal(p.cuda.minor, cases[i].minor);
	}
}

/* More than a set can hold: as if nothing had been said. */
static void a_list_without_end_is_no_list(void **state)
{
	cleanup_str struct str text = { 0 };
	struct probe p;

	(void)state;
	str_add(&text, "{\"attrs\":[\"_cuda\"],\"supported\":[\"7.5\"");
	for (int major = 10; major < 50; major++)
		str_addf(&text, ",\"%d.0\"", major);
	str_add(&text, "]}");
	p = probe(str_text(&text));
	assert_true(p.has_cuda);
	assert_int_equal(p.supported.n, 0);
}

static void sets_are_held_against_it(void **state)
{
	static const char *const text =
		"{\"attrs\":[\"_cuda\"],\"cuda\":\"12.8\",\"supported\":[\"7.5\",\"8.6\"]}";
	struct probe known = probe(text), unknown = probe("{}");
	struct capability_set set;
	struct err err;

	(void)state;
	assert_int_equal(capability_set_parse("7.5,9.0", &set, NULL), 0);
	assert_int_equal(probe_check(&unknown, &set, "x86_64-linux", &err), 0);
	assert_int_equal(probe_check(&known, &set, "x86_64-linux", &err), CAPQ_EINVAL);
	assert_string_equal(
		err.text, "nixpkgs: this revision does not build for 9.0, but for 7.5,8.6");
	assert_int_equal(capability_set_parse("7.5,8.6+PTX", &set, NULL), 0);
	assert_int_equal(probe_check(&known, &set, "x86_64-linux", &err), 0);
}

static void its_default_is_had_or_refused(void **state)
{
	struct capability_set set;
	struct probe p;
	struct err err;

	(void)state;
	p = probe("{\"attrs\":[\"_cuda\"],\"default\":[\"7.5\",\"8.6\"]}");
	assert_int_equal(probe_default(&p, &set, NULL), 0);
	assert_int_equal(set.n, 2);
	assert_true(set.ptx);
	p = probe("{\"attrs\":[\"cudatoolkit\"]}");
	assert_int_equal(probe_default(&p, &set, &err), CAPQ_EINVAL);
	assert_string_equal(err.text,
		"nixpkgs of that time (E0) has no default set: cudaCapabilities is ignored in "
		"silence (until about 2023-01); packages have arguments of their own");
	p = probe("{}");
	assert_int_equal(probe_default(&p, &set, &err), CAPQ_EINVAL);
	assert_string_equal(
		err.text, "this revision has no cudaPackages, and so no default set; name one");
	p = probe("{\"attrs\":[\"_cuda\"]}");
	assert_int_equal(probe_default(&p, &set, &err), CAPQ_EINVAL);
	assert_string_equal(
		err.text, "this revision does not say what its default set is; name one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_era_is_told_by_its_attributes),
		cmocka_unit_test(what_it_says_is_read),
		cmocka_unit_test(a_list_without_end_is_no_list),
		cmocka_unit_test(sets_are_held_against_it),
		cmocka_unit_test(its_default_is_had_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
