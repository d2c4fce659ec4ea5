/* What can be built where: nixpkgs' data base by CUDA version, the eras of nixpkgs, nvcc's mix. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/cuda.h"
#include "lib/mem.h"

static struct cuda_version version(const char *text)
{
	struct cuda_version v;

	assert_int_equal(cuda_version_parse(text, &v, NULL), 0);
	return v;
}

static struct capability_set set(const char *text)
{
	struct capability_set s;

	assert_int_equal(capability_set_parse(text, &s, NULL), 0);
	return s;
}

/* The whole data base, by CUDA version: the default set, and all that can be asked for. */
static const struct {
	const char *cuda, *by_default, *supported;
} versions[] = {
	{ "9.2", "", "" },
	{ "10.0", "3.5,3.7,5.0,5.2,6.0,6.1,7.0,7.5",
		"3.0,3.2,3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5" },
	{ "10.2", "3.5,3.7,5.0,5.2,6.0,6.1,7.0,7.5",
		"3.0,3.2,3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5" },
	{ "11.0", "3.5,3.7,5.0,5.2,6.0,6.1,7.0,7.5",
		"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5" },
	{ "11.1", "6.0,6.1,7.0,7.5", "3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5" },
	{ "11.2", "6.0,6.1,7.0,7.5,8.0,8.6",
		"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6" },
	{ "11.3", "6.0,6.1,7.0,7.5,8.0,8.6",
		"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6" },
	{ "11.4", "6.0,6.1,7.0,7.5,8.0,8.6",
		"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7" },
	{ "11.7", "6.0,6.1,7.0,7.5,8.0,8.6",
		"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7" },
	{ "11.8", "6.0,6.1,7.0,7.5,8.0,8.6,8.9,9.0",
		"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7,8.9,9.0" },
	{ "12.0", "6.0,6.1,7.0,7.5,8.0,8.6,8.9,9.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7,8.9,9.0,9.0a" },
	{ "12.2", "6.0,6.1,7.0,7.5,8.0,8.6,8.9,9.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7,8.9,9.0,9.0a" },
	{ "12.3", "6.0,6.1,7.0,7.5,8.0,8.6,8.9,9.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a" },
	{ "12.4", "7.0,7.5,8.0,8.6,8.9,9.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a" },
	{ "12.5", "7.0,7.5,8.0,8.6,8.9,9.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a" },
	{ "12.6", "7.5,8.0,8.6,8.9,9.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a" },
	{ "12.7", "7.5,8.0,8.6,8.9,9.0,10.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.1,10.1a" },
	{ "12.8", "7.5,8.0,8.6,8.9,9.0,10.0,12.0",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.1,10.1a,"
		"12.0,12.0a" },
	{ "12.9", "7.5,8.0,8.6,8.9,9.0,10.0,10.3,12.0,12.1",
		"5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.0f,10.1,"
		"10.1a,10.1f,10.3,10.3a,10.3f,12.0,12.0a,12.0f,12.1,12.1a,12.1f" },
	{ "13.0", "7.5,8.0,8.6,8.9,9.0,10.0,10.3,12.0,12.1",
		"7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.0f,10.3,10.3a,10.3f,11.0,11.0a,11.0f,"
		"12.0,12.0a,12.0f,12.1,12.1a,12.1f" },
	{ "13.4", "7.5,8.0,8.6,8.9,9.0,10.0,10.3,12.0,12.1",
		"7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.0f,10.3,10.3a,10.3f,11.0,11.0a,11.0f,"
		"12.0,12.0a,12.0f,12.1,12.1a,12.1f" },
};

static void each_cuda_version_knows_its_capabilities(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct cuda_version cuda = version(versions[i].cuda);
		cleanup_str struct str supported = { 0 };
		char text[CAPABILITY_SET_TEXT_MAX];
		struct capability_set got;

		cuda_default_set(cuda, &got);
		assert_true(got.ptx);
		got.ptx = false;
		capability_set_format(&got, text);
		assert_string_equal(text, versions[i].by_default);
		cuda_add_supported(&supported, cuda);
		assert_string_equal(str_text(&supported), versions[i].supported);
		if (versions[i].supported[0] == '\0')
			continue;
		got = set(versions[i].supported);
		for (size_t k = 0; k < got.n; k++)
			assert_true(cuda_supports(cuda, got.items[k]));
	}
}

static void versions_are_read_and_compared(void **state)
{
	static const char *const wrong[] = { "", "12", "12.", ".8", "12.x", "012.8", "a.b", "100.0",
		"12.100", "12,8", "-1.0" };
	struct cuda_version v;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(cuda_version_parse(wrong[i], &v, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "CUDA version '-1.0': expected one such as '12.8'");
	v = version("12.8.61");
	assert_int_equal(v.major, 12);
	assert_int_equal(v.minor, 8);
	assert_true(cuda_version_compare(version("9.2"), version("10.0")) < 0);
	assert_true(cuda_version_compare(version("12.10"), version("12.9")) > 0);
	assert_true(cuda_version_compare(version("12.8"), v) == 0);
}

static void drivers_are_read(void **state)
{
	static const struct {
		const char *text, *cuda;
	} cases[] = { { "12.8", "12.8" }, { "550.54.14", "12.4" }, { "535", "12.2" },
		{ "549.99", "12.3" }, { "450.80", "11.0" }, { "999.1", "13.0" } };
	struct cuda_version v;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(cuda_driver_parse(cases[i].text, &v, NULL), 0);
		assert_int_equal(cuda_version_compare(v, version(cases[i].cuda)), 0);
	}
	assert_int_equal(cuda_driver_parse("390.157", &v, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "driver '390.157': expected the CUDA version that it speaks, "
				      "such as '12.8', or its own, from 450");
	assert_int_equal(cuda_driver_parse("12", &v, NULL), CAPQ_EINVAL);
}

#define BUILDS NULL

static void sets_are_refused_with_the_reason(void **state)
{
	static const struct {
		enum nixpkgs_era era;
		const char *cuda, *system, *set, *why;
	} cases[] = {
		{ ERA_PER_PACKAGE, "11.7", NULL, "8.6",
			"nixpkgs of that time (E0): cudaCapabilities is ignored in silence (until "
			"about 2023-01); packages have arguments of their own" },
		{ ERA_CUDA_FLAGS, "11.7", NULL, "5.0,7.2,8.6", BUILDS },
		{ ERA_CUDA_FLAGS, "12.0", NULL, "8.6",
			"nixpkgs of that time (E1) has no capabilities for CUDA 12" },
		{ ERA_CUDA_FLAGS, "11.8", NULL, "8.6,8.9",
			"nixpkgs of that time (E1) does not know 8.9" },
		{ ERA_GPUS_TABLE, "12.0", NULL, "8.7,8.9", BUILDS },
		{ ERA_GPUS_TABLE, "11.4", NULL, "8.9",
			"nvcc: 8.9 is too new for CUDA 11.4, which builds for "
			"3.5,3.7,5.0,5.2,5.3,6.0,6.1,6.2,7.0,7.2,7.5,8.0,8.6,8.7" },
		{ ERA_CUDA_MODULES, "12.2", NULL, "7.2,8.7", BUILDS },
		{ ERA_CUDA_MODULES, "12.2", "aarch64-linux", "8.7", BUILDS },
		{ ERA_CUDA_MODULES, "12.2", "x86_64-linux", "8.7",
			"nixpkgs: 8.7 is a Jetson's and wants aarch64-linux, not x86_64-linux" },
		{ ERA_CUDA_MODULES, "12.2", "aarch64-linux", "8.6,8.7",
			"nixpkgs: 8.7 is a Jetson's and cannot be built together with 8.6; submit "
			"two jobs" },
		{ ERA_CUDA_MODULES, "12.8", "aarch64-linux", "9.0,10.1",
			"nixpkgs: 10.1 is a Jetson's and cannot be built together with 9.0; submit "
			"two jobs" },
		{ ERA_CUDA_MODULES, "10.2", NULL, "3.0", BUILDS },
		{ ERA_CUDA_DB, "11.8", NULL, "3.0", "nixpkgs of that time (E4) does not know 3.0" },
		{ ERA_CUDA_DB, "12.8", "aarch64-linux", "9.0,10.1", BUILDS },
		{ ERA_CUDA_DB, "13.0", "aarch64-linux", "9.0,11.0", BUILDS },
		{ ERA_CUDA_DB, "13.0", "aarch64-linux", "8.7,9.0",
			"nixpkgs: 8.7 is a Jetson's and cannot be built together with 9.0; submit "
			"two jobs" },
		{ ERA_CUDA_DB, "13.0", "aarch64-linux", "8.7,11.0",
			"nixpkgs: 8.7 is a Jetson's and cannot be built together with 11.0; submit "
			"two jobs" },
		{ ERA_CUDA_DB, "12.2", "aarch64-linux", "7.2,8.7", BUILDS },
		{ ERA_CUDA_DB, "13.0", "x86_64-linux", "11.0",
			"nixpkgs: 11.0 is a Jetson's and wants aarch64-linux, not x86_64-linux" },
		{ ERA_CUDA_DB, "13.0", NULL, "7.0,7.5",
			"nixpkgs: 7.0 is too old for CUDA 13.0, which builds for "
			"7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.0f,10.3,10.3a,10.3f,11.0,11.0a,"
			"11.0f,12.0,12.0a,12.0f,12.1,12.1a,12.1f" },
		{ ERA_CUDA_DB, "12.9", NULL, "7.0,7.5", BUILDS },
		{ ERA_CUDA_DB, NULL, NULL, "7.0,12.1f", BUILDS }, /* CUDA is not known. */
		{ ERA_CUDA_DB, "13.0", NULL, "8.8", "nixpkgs: 8.8 is unrecognized" },
		{ ERA_CUDA_DB, "13.0", NULL, "13.0", "nixpkgs: 13.0 is unrecognized" },
		/* Measured with nvcc 13.0. */
		{ ERA_CUDA_DB, "13.0", NULL, "10.0,10.0f",
			"10.0 and 10.0f: nvcc refuses a capability beside its family; take one of "
			"them" },
		{ ERA_CUDA_DB, "13.0", NULL, "11.0,11.0f",
			"11.0 and 11.0f: nvcc refuses a capability beside its family; take one of "
			"them" },
		{ ERA_CUDA_DB, "13.0", NULL, "10.0,10.0a", BUILDS },
		{ ERA_CUDA_DB, "13.0", NULL, "10.0a,10.0f", BUILDS },
		{ ERA_CUDA_DB, "13.0", NULL, "9.0,9.0a", BUILDS },
		{ ERA_CUDA_DB, "13.0", NULL, "10.0f,10.3", BUILDS },
		{ ERA_CUDA_DB, "13.0", NULL, "10.0f,10.3f", BUILDS },
		{ ERA_CUDA_DB, "13.0", NULL, "10.0f,10.3a", BUILDS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cuda_target target = { .era = cases[i].era,
			.cuda = cases[i].cuda == NULL ? (struct cuda_version){ 0 }
						      : version(cases[i].cuda),
			.system = cases[i].system };
		struct capability_set s = set(cases[i].set);
		struct err err = { 0 };
		int rv = cuda_check_set(&s, &target, &err);

		assert_int_equal(rv, cases[i].why == BUILDS ? 0 : CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why == BUILDS ? "" : cases[i].why);
	}
}

static void some_sets_are_refused_everywhere(void **state)
{
	static const struct {
		const char *set, *why;
	} cases[] = {
		{ "3.0,5.0,8.6,9.0a", BUILDS },
		{ "5.3,7.2,8.7", BUILDS },
		{ "9.0,10.1,11.0", BUILDS }, /* Thor may stand beside servers' GPUs. */
		{ "8.6,8.7", "nixpkgs: 8.7 is a Jetson's and cannot be built together with 8.6; "
			     "submit two jobs" },
		{ "7.2,7.5", "nixpkgs: 7.2 is a Jetson's and cannot be built together with 7.5; "
			     "submit two jobs" },
		{ "8.7,11.0", "nixpkgs: 8.7 is a Jetson's and cannot be built together with 11.0; "
			      "submit two jobs" },
		{ "10.9,99.9f", BUILDS }, /* May come. */
		{ "8.4,8.6", "capability 8.4: there is none; see capq gpus" },
		{ "8.6a", "capability 8.6a: there is none; see capq gpus" },
		{ "9.0f", "capability 9.0f: there is none; see capq gpus" },
		{ "8.8", "capability 8.8: nvcc 13 can build for it, but nixpkgs leaves it out" },
		{ "12.0,12.0f", "12.0 and 12.0f: nvcc refuses a capability beside its family; take "
				"one of them" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability_set s = set(cases[i].set);
		struct err err = { 0 };

		assert_int_equal(
			cuda_check_anywhere(&s, &err), cases[i].why == BUILDS ? 0 : CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why == BUILDS ? "" : cases[i].why);
	}
}

/* A revision that says what it can build for knows it better than the tables. */
static void what_the_revision_says_holds(void **state)
{
	static const struct {
		const char *set, *why;
	} cases[] = {
		{ "8.6", BUILDS },
		{ "13.0", BUILDS }, /* Newer than the tables. */
		{ "5.0,8.6", "nixpkgs: 5.0 is too old for CUDA 13.0, which builds for "
			     "7.5,8.0,8.6,8.7,8.9,9.0,9.0a,10.0,10.0a,10.0f,10.3,10.3a,10.3f,11.0,"
			     "11.0a,11.0f,12.0,12.0a,12.0f,12.1,12.1a,12.1f" },
		{ "8.6,9.0",
			"nixpkgs: this revision does not build for 9.0, but for 8.6,8.7,13.0" },
		{ "8.7", "nixpkgs: 8.7 is a Jetson's and wants aarch64-linux, not x86_64-linux" },
		{ "13.1", "nixpkgs: 13.1 is unrecognized" },
	};
	const struct capability_set supported = set("8.6,8.7,13.0");
	const struct cuda_target target = { .era = ERA_CUDA_DB,
		.cuda = { 13, 0 },
		.system = "x86_64-linux",
		.supported = &supported };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability_set s = set(cases[i].set);
		struct err err = { 0 };

		assert_int_equal(cuda_check_set(&s, &target, &err),
			cases[i].why == BUILDS ? 0 : CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why == BUILDS ? "" : cases[i].why);
	}
}

static void jetsons_are_known(void **state)
{
	static const char *const tegra[] = { "3.2", "5.3", "6.2", "7.2", "8.7", "8.8", "10.1",
		"10.1a", "11.0", "11.0f" };
	static const char *const discrete[] = { "3.0", "5.0", "6.1", "7.5", "8.6", "8.9", "9.0a",
		"10.0", "10.3f", "12.1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tegra); i++)
		assert_true(capability_is_tegra(set(tegra[i]).items[0]));
	for (size_t i = 0; i < ARRAY_LEN(discrete); i++)
		assert_false(capability_is_tegra(set(discrete[i]).items[0]));
}

static void eras_have_names(void **state)
{
	enum nixpkgs_era back;

	(void)state;
	for (unsigned era = 0; era < N_ERAS; era++) {
		char name[] = { 'E', (char)('0' + era), '\0' };

		assert_string_equal(era_name((enum nixpkgs_era)era), name);
		assert_true(strlen(era_text((enum nixpkgs_era)era)) > 10);
		assert_true(era_from_name(name, &back));
		assert_int_equal(back, era);
	}
	assert_false(era_from_name("E5", &back));
	assert_false(era_from_name(NULL, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cuda_version_knows_its_capabilities),
		cmocka_unit_test(versions_are_read_and_compared),
		cmocka_unit_test(drivers_are_read),
		cmocka_unit_test(sets_are_refused_with_the_reason),
		cmocka_unit_test(some_sets_are_refused_everywhere),
		cmocka_unit_test(what_the_revision_says_holds),
		cmocka_unit_test(jetsons_are_known),
		cmocka_unit_test(eras_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
