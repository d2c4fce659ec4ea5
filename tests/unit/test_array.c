/* Sorting, and equal neighbours. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"

/* Whether the letter is a capital does not count. */
static int compare(const void *a, const void *b)
{
	return (*(const char *)a | 32) - (*(const char *)b | 32);
}

static void unique(void **state)
{
	static const struct {
		const char *items, *sorted, *others; /* What is left; what stands behind it. */
	} cases[] = {
		{ "", "", "" },
		{ "a", "a", "" },
		{ "ba", "ab", "" },
		{ "aaaa", "a", "aaa" },
		{ "cabcab", "abc", "abc" },
		{ "edcba", "abcde", "" },
		{ "abbcccdddd", "abcd", "bccddd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char items[16];
		size_t len = strlen(cases[i].items), n;

		strcpy(items, cases[i].items);
		array_sort(items, len, 1, compare);
		n = array_unique(items, len, 1, compare);
		assert_int_equal(n, strlen(cases[i].sorted));
		assert_memory_equal(items, cases[i].sorted, n);
		array_sort(items + n, len - n, 1, compare);
		assert_string_equal(items + n, cases[i].others); /* Nothing is lost. */
	}
}

static void the_first_is_kept(void **state)
{
	char items[] = "aAbBB";

	(void)state;
	assert_int_equal(array_unique(items, 5, 1, compare), 2);
	assert_memory_equal(items, "ab", 2);
}

static void nothing(void **state)
{
	(void)state;
	array_sort(NULL, 0, 8, compare);
	assert_int_equal(array_unique(NULL, 0, 8, compare), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unique),
		cmocka_unit_test(the_first_is_kept),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
