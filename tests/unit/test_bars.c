/* How far paths are: rates, time left, and the lines of a terminal. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "push/bars.h"
#include "push/pace.h"

#define MIB (UINT64_C(1) << 20)
#define SECOND INT64_C(1000000)

/* ---- pace ---- */

static void nothing_is_known_at_first(void **state)
{
	struct pace pace;

	(void)state;
	pace_begin(&pace, 7);
	assert_true(pace_rate(&pace) == 0);
	assert_int_equal(pace_left_ms(&pace, 1), -1);
	assert_int_equal(pace_left_ms(&pace, 0), 0);
	pace_note(&pace, 7, 100); /* In no time at all. */
	assert_true(pace_rate(&pace) == 0);
}

static void a_steady_rate_is_known_at_once(void **state)
{
	struct pace pace;

	(void)state;
	pace_begin(&pace, 0);
	for (int64_t i = 1; i <= 100; i++) {
		pace_note(&pace, i * SECOND / 10, (uint64_t)i * 1000);
		assert_in_range((uint64_t)pace_rate(&pace), 9990, 10010);
	}
	assert_in_range(pace_left_ms(&pace, 100000), 9990, 10010);
}

/* What happened a while ago does not count for ever, nor does a moment count for all. */
static void a_rate_changes(void **state)
{
	struct pace pace;

	(void)state;
	pace_begin(&pace, 0);
	pace_note(&pace, 10 * SECOND, 10000); /* 1000 a second, */
	pace_note(&pace, 11 * SECOND, 10000); /* and then nothing. */
	assert_in_range((uint64_t)pace_rate(&pace), 700, 900);
	pace_note(&pace, 60 * SECOND, 10000);
	assert_in_range((uint64_t)pace_rate(&pace), 0, 1);
	assert_int_equal(pace_left_ms(&pace, 5), -1);
	pace_note(&pace, 61 * SECOND, 9000); /* It went back: that is no negative rate. */
	assert_true(pace_rate(&pace) >= 0);
}

/* ---- bars ---- */

static const struct bar total = { "1 of 3 paths", 3 * MIB, 12 * MIB, 1.5 * MIB, 125000 };
static const struct bar some[] = {
	{ "torch-2.5.1", 0, 4 * MIB, 0, -1 },
	{ "a-name-that-is-longer-than-any-column-may-be", 4 * MIB, 4 * MIB, 1024, 0 },
	{ "empty", 0, 0, 0, 0 },
};

static void expect(const struct bars_view *view, size_t n, const char *wanted)
{
	cleanup_str struct str got = { 0 };

	bars_render(view, some, n, &total, &got);
	assert_string_equal(str_text(&got), wanted);
}

static void wide(void **state)
{
	const struct bars_view view = { .width = 100, .height = 10 };

	(void)state;
	/* clang-format off */
	expect(&view, 3,
"torch-2.5.1                       [                ]    0%        0 B of 4.0 MiB       0 B/s       -\n"
"a-name-that-is-longer-than-any..  [================]  100%    4.0 MiB of 4.0 MiB   1.0 KiB/s    0.0s\n"
"empty                             [================]  100%            0 B of 0 B       0 B/s    0.0s\n"
"1 of 3 paths                      [====>           ]   25%     3.0 MiB of 12 MiB   1.5 MiB/s   2m05s\n");
	/* clang-format on */
}

/* No line is ever wider than it may be, whatever is left out for that. */
static void every_width(void **state)
{
	(void)state;
	for (size_t width = 10; width < 150; width++) {
		struct bars_view view = { .width = width, .height = 10 };
		cleanup_str struct str got = { 0 };
		size_t n = 0;

		bars_render(&view, some, ARRAY_LEN(some), &total, &got);
		for (char *line = got.text, *end; (end = strchr(line, '\n')) != NULL;
			line = end + 1) {
			assert_in_range(end - line, 1, width);
			n++;
		}
		assert_int_equal(n, 4);
	}
}

static void narrow(void **state)
{
	const struct bars_view no_sizes = { .width = 55, .height = 10 },
			       no_bar = { .width = 28, .height = 10 },
			       hardly = { .width = 12, .height = 10 };

	(void)state;
	expect(&no_sizes, 1,
		"torch-2.5.1   [             ]    0%       0 B/s       -\n"
		"1 of 3 paths  [===>         ]   25%   1.5 MiB/s   2m05s\n");
	expect(&no_bar, 1, "torch-2.5.1     0%       -\n1 of 3 paths   25%   2m05s\n");
	expect(&hardly, 1, "torc..    0%\n1 of..   25%\n");
}

static void low(void **state)
{
	const struct bars_view three = { .width = 20, .height = 3 },
			       two = { .width = 20, .height = 2 },
			       one = { .width = 20, .height = 1 };

	(void)state;
	expect(&three, 2, "torch-2.5.1       0%\na-name-that-..  100%\n1 of 3 paths     25%\n");
	expect(&three, 3, "torch-2.5.1       0%\nand 2 more\n1 of 3 paths     25%\n");
	expect(&two, 3, "and 3 more\n1 of 3 paths     25%\n");
	expect(&one, 3, "1 of 3 paths     25%\n");
}

static void colours(void **state)
{
	struct bars_view view = { .width = 60, .height = 10, .has_colour = true };
	cleanup_str struct str got = { 0 };

	(void)state;
	bars_render(&view, some, 1, &total, &got);
	assert_non_null(strstr(got.text, "[\033[32m"));
	assert_non_null(strstr(got.text, "\033[m]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_steady_rate_is_known_at_once),
		cmocka_unit_test(a_rate_changes),
		cmocka_unit_test(wide),
		cmocka_unit_test(every_width),
		cmocka_unit_test(narrow),
		cmocka_unit_test(low),
		cmocka_unit_test(colours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
