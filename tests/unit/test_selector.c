/* How jobs are named on a command line. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/selector.h"
#include "lib/mem.h"

#define REV40 "1a2b3c4d5e6f70819293a4b5c6d7e8f901234567"

static void test_names(void **state)
{
	static const struct {
		const char *text, *meaning; /* "id attr caps rev", "-" for what is not said. */
	} cases[] = {
		{ "17", "17 - - -" },
		{ "9223372036854775807", "9223372036854775807 - - -" },
		{ "hello", "0 hello - -" },
		{ "python3Packages.torch@8.6", "0 python3Packages.torch 8.6 -" },
		{ "torch@8.6+ptx", "0 torch 8.6+PTX -" },
		{ "torch@9.0,8.0", "0 torch 8.0,9.0 -" },
		{ "torch#1a2b", "0 torch - 1a2b" },
		{ "torch@8.6#" REV40, "0 torch 8.6 " REV40 },
		{ "torch @ 8.6 # 1a2b3c4", "0 torch 8.6 1a2b3c4" },
		{ "path#sha256:0j3q49i9jc", "0 path - sha256:0j3q49i9jc" },
		{ "\"a@b#c\".d@8.6", "0 \"a@b#c\".d 8.6 -" },
		{ "\"a\\\"@b\"@8.6", "0 \"a\\\"@b\" 8.6 -" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct selector s;
		char got[1024];

		assert_int_equal(selector_parse(cases[i].text, &s, NULL), 0);
		snprintf(got, sizeof got, "%" PRId64 " %s %s %s", s.id, s.attr[0] ? s.attr : "-",
			s.caps[0] ? s.caps : "-", s.rev[0] ? s.rev : "-");
		assert_string_equal(got, cases[i].meaning);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "attribute path '': it is empty" },
		{ "0", "attribute path '0': an element begins with '0'; put such an element in "
		       "double quotes" },
		{ "9223372036854775808", "attribute path '9223372036854775808': an element begins "
					 "with '9'; put such an element in double quotes" },
		{ "torch@", "the capability set is empty" },
		{ "torch@sm_86", "capability 'sm_86': write it as nixpkgs does, '8.6'" },
		{ "torch#", "revision '': expected 4 to 40 hexadecimal digits of a commit" },
		{ "torch#1a2", "revision '1a2': expected 4 to 40 hexadecimal digits of a commit" },
		{ "torch#master",
			"revision 'master': expected 4 to 40 hexadecimal digits of a commit" },
		{ "torch#sha256:0j3",
			"revision 'sha256:0j3': expected 4 to 40 hexadecimal digits of a commit" },
		{ "torch#" REV40 "0",
			"revision '" REV40 "0': expected 4 to 40 hexadecimal digits of a commit" },
		{ "torch#1a2b@8.6",
			"revision '1a2b@8.6': expected 4 to 40 hexadecimal digits of a commit" },
		{ "torch @ 8.6 # 1a2b (mkl)",
			"revision '1a2b (mkl)': expected 4 to 40 hexadecimal digits of a commit" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct selector s = { .id = 99 };
		struct err err = { 0 };

		assert_int_equal(selector_parse(cases[i].text, &s, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
		assert_int_equal(s.id, 99); /* Untouched. */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
