/* Capabilities and sets of them: every capability nixpkgs knows, canonical order, refusals. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "lib/capability.h"
#include "lib/mem.h"
#include "lib/str.h"

static void what_nixpkgs_writes_is_read(void **state)
{
	/* In ascending order. */
	static const char *const texts[] = { "3.0", "3.5", "5.0", "5.2", "6.0", "6.1", "7.0", "7.2",
		"7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "9.0a", "10.0", "10.0a", "10.0f", "10.1",
		"10.1a", "10.3", "12.0", "12.0a", "12.1", "99.9f" };
	struct capability before = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct capability c;
		char text[CAPABILITY_TEXT_MAX];

		assert_int_equal(capability_parse(texts[i], &c, NULL), 0);
		capability_format(c, text);
		assert_string_equal(text, texts[i]);
		assert_true(capability_compare(before, c) < 0);
		assert_true(capability_compare(c, before) > 0);
		assert_int_equal(capability_compare(c, c), 0);
		before = c;
	}
}

static void other_spellings_are_refused_with_a_hint(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "86", "write it as nixpkgs does, '8.6'" },
		{ "90a", "write it as nixpkgs does, '9.0a'" },
		{ "sm_86", "write it as nixpkgs does, '8.6'" },
		{ "sm_100f", "write it as nixpkgs does, '10.0f'" },
		{ "SM86", "write it as nixpkgs does, '8.6'" },
		{ "compute_90a", "write it as nixpkgs does, '9.0a'" },
		{ "lto_75", "write it as nixpkgs does, '7.5'" },
		{ "120", "write it as nixpkgs does, '12.0'" },
		{ "8.6+PTX", "'+PTX' stands once, behind the whole set" },
		{ "", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ ".6", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "0.6", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "00", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "08.6", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "100.0", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.60", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.6b", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.6A", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.6aa", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ " 8.6", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8,6", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "sm_8.6", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "86ab", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "1000", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "86-real", "write it as nixpkgs does, '8.6'" },
		{ "90a-virtual", "write it as nixpkgs does, '9.0a'" },
		{ "86-unreal", "expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "Ampere", "a generation has several; Ampere has 8.0, 8.6 and 8.7" },
		{ "hopper", "Hopper is 9.0" },
		{ "all-major", "name them, separated by commas" },
		{ "native", "capq gpus lists the capabilities of GPUs" },
		{ "8.0;8.6", "separate capabilities by commas" },
		{ "8.0 8.6", "separate capabilities by commas" },
		{ "cudaEnableForwardCompat",
			"PTX is asked for by '+PTX' behind the set; nixpkgs' option for it is "
			"cudaForwardCompat, and cudaEnableForwardCompat does nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text =
			str_format("capability '%s': %s", cases[i].text, cases[i].why);
		struct capability c = { .major = 17 };
		struct err err;

		assert_int_equal(capability_parse(cases[i].text, &c, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, text);
		assert_int_equal(c.major, 17); /* Untouched. */
	}
}

static void sets_have_one_canonical_text(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "8.6", "8.6" },
		{ "8.6+PTX", "8.6+PTX" },
		{ "8.6+ptx", "8.6+PTX" },
		{ " 8.6 +PTX ", "8.6+PTX" },
		{ "9.0,8.0,8.6", "8.0,8.6,9.0" },
		{ "10.0,9.0", "9.0,10.0" }, /* By number, not by letter. */
		{ "9.0a,9.0", "9.0,9.0a" },
		{ "8.6,8.6", "8.6" },
		{ "  8.0 ,  8.6 ", "8.0,8.6" },
		{ "8.6,7.5+PTX", "7.5,8.6+PTX" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability_set set;
		char text[CAPABILITY_SET_TEXT_MAX];

		assert_int_equal(capability_set_parse(cases[i].text, &set, NULL), 0);
		capability_set_format(&set, text);
		assert_string_equal(text, cases[i].canonical);
		assert_int_equal(capability_set_parse(text, &set, NULL), 0);
	}
}

static void wrong_sets_name_the_element(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "the capability set is empty" },
		{ "   ", "the capability set is empty" },
		{ "+PTX", "capability '': expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.0,", "capability '': expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.0,,8.6",
			"capability '': expected major.minor such as '8.6', '9.0a' or '10.0f'" },
		{ "8.0,86", "capability '86': write it as nixpkgs does, '8.6'" },
		{ "8.0+PTX,8.6", "capability '8.0+PTX': '+PTX' stands once, behind the whole set" },
		{ "8.6+PTX+PTX", "capability '8.6+PTX': '+PTX' stands once, behind the whole set" },
		{ "8.0 8.6", "capability '8.0 8.6': separate capabilities by commas" },
		{ "8.6,cudaForwardCompat",
			"capability 'cudaForwardCompat': PTX is asked for by '+PTX' behind the set; "
			"nixpkgs' option for it is cudaForwardCompat, and cudaEnableForwardCompat "
			"does nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability_set set = { .n = 17 };
		struct err err;

		assert_int_equal(capability_set_parse(cases[i].text, &set, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
		assert_int_equal(set.n, 17);
	}
}

/* "10.0a,10.1a,...": `n` capabilities. */
static void make_set(size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		out += sprintf(out, "%s%zu.%zua", i == 0 ? "" : ",", 10 + i / 10, i % 10);
}

static void at_most_32_capabilities(void **state)
{
	char text[2 * CAPABILITY_SET_TEXT_MAX], again[CAPABILITY_SET_TEXT_MAX];
	struct capability_set set;
	struct err err;

	(void)state;
	make_set(32, text);
	strcat(text, "+PTX");
	assert_int_equal(capability_set_parse(text, &set, NULL), 0);
	assert_int_equal(set.n, 32);
	capability_set_format(&set, again);
	assert_string_equal(again, text);
	/* One that is in it already needs no room; another one does. */
	assert_int_equal(capability_set_add(&set, (struct capability){ 10, 0, 'a' }, NULL), 0);
	assert_int_equal(
		capability_set_add(&set, (struct capability){ 10, 0, 'f' }, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "more than 32 capabilities");
	make_set(33, text);
	assert_int_equal(capability_set_parse(text, &set, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "more than 32 capabilities");
}

static void at_most_527_bytes(void **state)
{
	char text[529];
	struct capability_set set;
	struct err err;

	(void)state;
	memset(text, ' ', sizeof text);
	memcpy(text, "8.6", 3);
	text[527] = '\0';
	assert_int_equal(capability_set_parse(text, &set, NULL), 0);
	text[527] = ' ';
	text[528] = '\0';
	assert_int_equal(capability_set_parse(text, &set, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "the capability set has more than 527 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nixpkgs_writes_is_read),
		cmocka_unit_test(other_spellings_are_refused_with_a_hint),
		cmocka_unit_test(sets_have_one_canonical_text),
		cmocka_unit_test(wrong_sets_name_the_element),
		cmocka_unit_test(at_most_32_capabilities),
		cmocka_unit_test(at_most_527_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
