/* What becomes of a job whose package does not support all that it asks for. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/support.h"

static struct capability_set set(const char *text)
{
	struct capability_set s = { 0 };

	if (text[0] != '\0')
		assert_int_equal(capability_set_parse(text, &s, NULL), 0);
	return s;
}

static void jobs_fail_are_skipped_or_built_for_others(void **state)
{
	static const struct {
		const char *asked, *supported;
		enum unsupported policy;
		enum support_verdict verdict;
		const char *built, *why;
	} cases[] = {
		{ "8.6", "7.5,8.6", UNSUPPORTED_FAIL, SUPPORT_ALL, "8.6", "" },
		{ "7.5,8.6+PTX", "7.5,8.0,8.6", UNSUPPORTED_CLOSEST, SUPPORT_ALL, "7.5,8.6+PTX",
			"" },
		{ "8.6", "7.5", UNSUPPORTED_FAIL, SUPPORT_REFUSED, NULL,
			"the package supports 7.5, not 8.6" },
		{ "8.6,9.0", "", UNSUPPORTED_FAIL, SUPPORT_REFUSED, NULL,
			"the package supports none, not 8.6,9.0" },
		/* A suffix is part of the name. */
		{ "9.0a", "9.0", UNSUPPORTED_FAIL, SUPPORT_REFUSED, NULL,
			"the package supports 9.0, not 9.0a" },
		{ "8.6", "7.5", UNSUPPORTED_SKIP, SUPPORT_SKIPPED, NULL,
			"the package supports 7.5, not 8.6" },
		{ "8.6,9.0+PTX", "7.5,8.6", UNSUPPORTED_SKIP, SUPPORT_OTHER, "8.6+PTX",
			"built for 8.6+PTX: the package supports 7.5,8.6, not 9.0" },
		/* Never by number: 7.5 and 8.6 are the nearest to 8.0, and neither runs there. */
		{ "8.0", "7.5,8.6", UNSUPPORTED_CLOSEST, SUPPORT_REFUSED, NULL,
			"the package supports 7.5,8.6, not 8.0, and none of these runs on 8.0" },
		{ "8.9", "7.5,8.0,8.6,9.0", UNSUPPORTED_CLOSEST, SUPPORT_OTHER, "8.6",
			"built for 8.6: the package supports 7.5,8.0,8.6,9.0, not 8.9" },
		{ "8.7", "8.0,8.6", UNSUPPORTED_CLOSEST, SUPPORT_REFUSED, NULL,
			"the package supports 8.0,8.6, not 8.7, and none of these runs on 8.7" },
		{ "9.0a", "8.6,9.0", UNSUPPORTED_CLOSEST, SUPPORT_OTHER, "9.0",
			"built for 9.0: the package supports 8.6,9.0, not 9.0a" },
		{ "12.1", "9.0,10.0,12.0", UNSUPPORTED_CLOSEST, SUPPORT_OTHER, "12.0",
			"built for 12.0: the package supports 9.0,10.0,12.0, not 12.1" },
		{ "7.5,8.6,8.9", "8.0,7.5", UNSUPPORTED_CLOSEST, SUPPORT_OTHER, "7.5,8.0",
			"built for 7.5,8.0: the package supports 7.5,8.0, not 8.6,8.9" },
		/* PTX runs only where it was asked for, */
		{ "10.0", "8.0,9.0", UNSUPPORTED_CLOSEST, SUPPORT_REFUSED, NULL,
			"the package supports 8.0,9.0, not 10.0, and none of these runs on 10.0" },
		{ "10.0+PTX", "8.0,9.0", UNSUPPORTED_CLOSEST, SUPPORT_OTHER, "9.0+PTX",
			"built for 9.0+PTX: the package supports 8.0,9.0, not 10.0" },
		/* and only that of the newest is made. */
		{ "8.0,8.6+PTX", "7.5,8.6", UNSUPPORTED_CLOSEST, SUPPORT_REFUSED, NULL,
			"the package supports 7.5,8.6, not 8.0, and none of these runs on 8.0" },
		{ "8.6", "", UNSUPPORTED_CLOSEST, SUPPORT_REFUSED, NULL,
			"the package supports none, not 8.6, and none of these runs on 8.6" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct capability_set asked = set(cases[i].asked);
		struct capability_set supported = set(cases[i].supported), built;
		cleanup_str struct str why = { 0 };
		char text[CAPABILITY_SET_TEXT_MAX];

		assert_int_equal(support_choose(&asked, &supported, cases[i].policy, &built, &why),
			cases[i].verdict);
		assert_string_equal(str_text(&why), cases[i].why);
		if (cases[i].built == NULL)
			continue;
		capability_set_format(&built, text);
		assert_string_equal(text, cases[i].built);
	}
}

/* ---- every set of up to three, against a rule written slowly ---- */

static const char *const all[] = { "7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "9.0a", "10.0",
	"10.0f", "10.3", "12.0" };

/* What runs on GPUs of a capability as SASS, best first. */
static const char *const serves[][4] = {
	{ "7.5", "7.5" },
	{ "8.0", "8.0" },
	{ "8.6", "8.6", "8.0" },
	{ "8.7", "8.7" },
	{ "8.9", "8.9", "8.6", "8.0" },
	{ "9.0", "9.0", "9.0a" },
	{ "9.0a", "9.0", "9.0a" },
	{ "10.0", "10.0", "10.0f" },
	{ "10.0f", "10.0", "10.0f" },
	{ "10.3", "10.3", "10.0", "10.0f" },
	{ "12.0", "12.0" },
};

static bool has(unsigned bits, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i], name) == 0)
			return (bits >> i & 1) != 0;
	return false;
}

static struct capability_set set_of(unsigned bits)
{
	struct capability_set s = { 0 };
	struct capability item;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if ((bits >> i & 1) != 0 && capability_parse(all[i], &item, NULL) == 0)
			(void)capability_set_add(&s, item, NULL);
	return s;
}

/* The bits of what is to be built for `asked`; 0: nothing runs on some of it. */
static unsigned slow_closest(unsigned asked, unsigned supported)
{
	unsigned built = asked & supported;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *found = NULL;

		if ((asked >> i & 1) == 0 || (supported >> i & 1) != 0)
			continue;
		for (size_t k = 1; k < 4 && found == NULL && serves[i][k] != NULL; k++)
			if (has(supported, serves[i][k]))
				found = serves[i][k];
		if (found == NULL)
			return 0;
		for (size_t k = 0; k < ARRAY_LEN(all); k++)
			if (strcmp(all[k], found) == 0)
				built |= 1u << k;
	}
	return built;
}

static void the_closest_of_every_set_of_up_to_three(void **state)
{
	const unsigned end = 1u << ARRAY_LEN(all);

	(void)state;
	for (unsigned a = 1; a < end; a++) {
		struct capability_set asked = set_of(a), built, expected;

		for (unsigned s = 0; __builtin_popcount(a) <= 3 && s < end; s += 7) {
			struct capability_set supported = set_of(s);
			unsigned wanted = slow_closest(a, s);
			cleanup_str struct str why = { 0 };
			enum support_verdict verdict = support_choose(
				&asked, &supported, UNSUPPORTED_CLOSEST, &built, &why);

			if (wanted == 0) {
				assert_int_equal(verdict, SUPPORT_REFUSED);
				continue;
			}
			assert_int_equal(verdict, wanted == a ? SUPPORT_ALL : SUPPORT_OTHER);
			expected = set_of(wanted);
			assert_int_equal(built.n, expected.n);
			assert_memory_equal(
				built.items, expected.items, expected.n * sizeof expected.items[0]);
		}
	}
}

static void policies_have_names(void **state)
{
	static const char *const names[] = { "fail", "skip", "closest" };
	enum unsupported policy;

	(void)state;
	for (int i = 0; i < UNSUPPORTED_POLICIES; i++) {
		assert_string_equal(unsupported_name((enum unsupported)i), names[i]);
		assert_true(unsupported_from_name(names[i], &policy));
		assert_int_equal(policy, i);
	}
	assert_false(unsupported_from_name("nearest", &policy));
	assert_false(unsupported_from_name(NULL, &policy));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_fail_are_skipped_or_built_for_others),
		cmocka_unit_test(the_closest_of_every_set_of_up_to_three),
		cmocka_unit_test(policies_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
