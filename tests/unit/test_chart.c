/* Bars in one line. */
#include "tests/support/cmocka_all.h"

#include "client/chart.h"
#include "lib/mem.h"

static void assert_drawn(
	const struct chart_point *points, size_t n, size_t width, bool is_utf8, const char *wanted)
{
	cleanup_str struct str out = { 0 };

	chart_add(&out, points, n, width, is_utf8);
	assert_string_equal(str_text(&out), wanted);
}

static void bars_are_as_high_as_values(void **state)
{
	static const struct chart_point points[] = { { .value = 0 }, { .value = 1 },
		{ .value = 12.5 }, { .value = 12.6 }, { .value = 50 }, { .value = 87.5 },
		{ .value = 87.6 }, { .value = 100 } };
	size_t n = ARRAY_LEN(points);

	(void)state;
	assert_drawn(points, n, n, true, "▁▁▁▂▄▇██");
	assert_drawn(points, n, n, false, "___.-*##");
}

static void failures_are_crosses_and_count_for_nothing(void **state)
{
	static const struct chart_point points[] = { { .value = 10 },
		{ .value = 1000, .is_failed = true }, { .value = 20 } };

	(void)state;
	assert_drawn(points, 3, 80, false, "-x#");
	assert_drawn(points + 1, 1, 80, true, "x");
}

/* The last ones are drawn, and the scale is theirs. */
static void what_is_too_wide_is_cut_at_the_front(void **state)
{
	static const struct chart_point points[] = { { .value = 1000 }, { .value = 1 },
		{ .value = 2 } };

	(void)state;
	assert_drawn(points, 3, 2, false, "-#");
	assert_drawn(points, 3, 0, false, "");
	assert_drawn(points, 0, 5, true, "");
}

static void nothing_but_zeros(void **state)
{
	static const struct chart_point points[] = { { .value = 0 }, { .value = 0 } };

	(void)state;
	assert_drawn(points, 2, 5, true, "▁▁");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_are_as_high_as_values),
		cmocka_unit_test(failures_are_crosses_and_count_for_nothing),
		cmocka_unit_test(what_is_too_wide_is_cut_at_the_front),
		cmocka_unit_test(nothing_but_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
