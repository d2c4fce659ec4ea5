/* Text that fits and harms nobody. */
#include "tests/support/cmocka_all.h"

#include <locale.h>

#include "client/text.h"
#include "lib/mem.h"

static void test_cut_and_aligned(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *cut, *left, *right;
	} cases[] = {
		{ "torch", 7, "torch", "torch  ", "  torch" },
		{ "torch", 5, "torch", "torch", "torch" },
		{ "torch", 4, "tor\xe2\x80\xa6", "tor\xe2\x80\xa6", "tor\xe2\x80\xa6" },
		{ "torch", 1, "\xe2\x80\xa6", "\xe2\x80\xa6", "\xe2\x80\xa6" },
		{ "torch", 0, "", "", "" },
		{ NULL, 2, "", "  ", "  " },
		{ "a\tb\nc", 5, "a b c", "a b c", "a b c" },
		{ "\033[31mred\033[0m\a", 4, "red", "red ", " red" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", 4, "\xe6\xbc\xa2\xe5\xad\x97",
			"\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", 3, "\xe6\xbc\xa2\xe2\x80\xa6",
			"\xe6\xbc\xa2\xe2\x80\xa6", "\xe6\xbc\xa2\xe2\x80\xa6" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", 2, "\xe2\x80\xa6", "\xe2\x80\xa6 ", " \xe2\x80\xa6" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str cut = { 0 }, left = { 0 }, right = { 0 };

		text_add_cut(&cut, cases[i].text, cases[i].width);
		text_add_left(&left, cases[i].text, cases[i].width);
		text_add_right(&right, cases[i].text, cases[i].width);
		assert_string_equal(str_text(&cut), cases[i].cut);
		assert_string_equal(str_text(&left), cases[i].left);
		assert_string_equal(str_text(&right), cases[i].right);
	}
}

static void test_in_a_query(void **state)
{
	cleanup_str struct str out = { 0 };

	(void)state;
	text_add_escaped(&out, "a.b-c_d~E9 &=+#%\"\xc3\xbc");
	assert_string_equal(out.text, "a.b-c_d~E9%20%26%3D%2B%23%25%22%C3%BC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_and_aligned),
		cmocka_unit_test(test_in_a_query),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
