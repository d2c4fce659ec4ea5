/* Numbers and places in bytes from outside. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/bytes.h"
#include "lib/mem.h"

static const unsigned char nine[] = { 0x81, 2, 3, 4, 5, 6, 7, 0x88, 9 };
static const struct bytes all = { nine, sizeof nine };

static void numbers_of_both_byte_orders(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned size;
		bool is_big;
		uint64_t number;
	} cases[] = {
		{ 0, 1, false, 0x81 },
		{ 8, 1, true, 9 },
		{ 0, 2, false, 0x281 },
		{ 0, 2, true, 0x8102 },
		{ 4, 4, false, 0x88070605 },
		{ 4, 4, true, 0x05060788 },
		{ 0, 8, false, 0x8807060504030281 },
		{ 0, 8, true, 0x8102030405060788 },
		{ 1, 8, false, 0x0988070605040302 },
		{ 0, 3, false, 0x30281 },
		{ 0, 3, true, 0x810203 },
		/* Not whole. */
		{ 9, 1, false, 0 },
		{ 8, 2, false, 0 },
		{ 6, 4, true, 0 },
		{ 2, 8, false, 0 },
		{ UINT64_MAX, 4, false, 0 },
		{ UINT64_MAX - 3, 8, true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(bytes_number(all, cases[i].offset, cases[i].size, cases[i].is_big),
			cases[i].number);
}

static void where_bytes_occur(void **state)
{
	static const struct {
		const char *text, *wanted;
		uint64_t from, at;
	} cases[] = {
		{ "", "a", 0, UINT64_MAX },
		{ "a", "a", 0, 0 },
		{ "a", "a", 1, UINT64_MAX },
		{ "a", "ab", 0, UINT64_MAX },
		{ "ab", "ab", 0, 0 },
		{ "ab", "ab", 1, UINT64_MAX },
		{ "aab", "ab", 0, 1 },
		{ "aaab", "aab", 0, 1 },
		{ "ababab", "ab", 1, 2 },
		{ "ababab", "ab", 4, 4 },
		{ "ababab", "ab", 5, UINT64_MAX },
		{ "bbbb", "ab", 0, UINT64_MAX },
		{ "xyz", "z", 0, 2 },
		{ "xyz", "z", 100, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);
		cleanup_free unsigned char *copy = xmalloc(len + 1);

		memcpy(copy, cases[i].text, len);
		assert_int_equal(bytes_find((struct bytes){ copy, len }, cases[i].from,
					 cases[i].wanted, strlen(cases[i].wanted)),
			cases[i].at);
	}
	assert_int_equal(bytes_find((struct bytes){ NULL, 0 }, 0, "a", 1), UINT64_MAX);
}

static void parts_are_whole_or_empty(void **state)
{
	(void)state;
	assert_int_equal(bytes_part(all, 2, 7).size, 7);
	assert_ptr_equal(bytes_part(all, 2, 7).at, nine + 2);
	assert_int_equal(bytes_part(all, 9, 0).size, 0);
	assert_null(bytes_part(all, 2, 8).at);
	assert_null(bytes_part(all, 2, UINT64_MAX).at);
	assert_null(bytes_part(all, UINT64_MAX, 2).at);
	assert_int_equal(bytes_from(all, 8).size, 1);
	assert_int_equal(bytes_from(all, 10).size, 0);
	assert_false(bytes_begin(bytes_from(all, 8), nine, 2));
	assert_true(bytes_begin(all, nine, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_both_byte_orders),
		cmocka_unit_test(where_bytes_occur),
		cmocka_unit_test(parts_are_whole_or_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
