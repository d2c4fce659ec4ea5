/* Growing texts, numbers, UTF-8, terminal escapes, "did you mean". */
#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

#define FFFD "\xef\xbf\xbd"

static void texts_grow(void **state)
{
	struct str s = { 0 };
	char *text;

	(void)state;
	assert_string_equal(str_text(&s), "");
	str_add(&s, "job");
	str_add_char(&s, ' ');
	str_addf(&s, "%d of %s", 17, "many");
	str_add_bytes(&s, "\0x", 2);
	str_add_bytes(&s, NULL, 0);
	assert_int_equal(s.len, 16);
	assert_memory_equal(s.text, "job 17 of many\0x", 17); /* The final NUL too. */
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	assert_int_equal(s.len, 16 + 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(s.text[s.len], '\0');

	text = str_take(&s);
	assert_true(str_starts(text, "job 17"));
	free(text);
	assert_null(s.text);
	text = str_take(&s); /* Of nothing: an empty text, not NULL. */
	assert_string_equal(text, "");
	free(text);
}

static void clearing_keeps_memory_and_freeing_does_not(void **state)
{
	struct str s = { 0 };

	(void)state;
	str_clear(&s);
	assert_string_equal(str_text(&s), "");
	str_add(&s, "x");
	str_clear(&s);
	assert_non_null(s.text);
	assert_int_equal(s.len, 0);
	assert_string_equal(str_text(&s), "");
	str_free(&s);
	assert_null(s.text);
	assert_int_equal(s.capacity, 0);
}

static void format_makes_fresh_text(void **state)
{
	char *text = str_format("%s-%d", "a", 1), *empty = str_format("%s", "");

	(void)state;
	assert_string_equal(text, "a-1");
	assert_string_equal(empty, "");
	free(text);
	free(empty);
}

static void starts_and_ends(void **state)
{
	(void)state;
	assert_true(str_starts("torch", "tor"));
	assert_true(str_starts("torch", ""));
	assert_false(str_starts("to", "tor"));
	assert_true(str_ends("x.drv", ".drv"));
	assert_true(str_ends(".drv", ".drv"));
	assert_true(str_ends("x.drv", ""));
	assert_false(str_ends("drv", ".drv"));
	assert_false(str_ends("x.drv2", ".drv"));
}

static void numbers_are_digits_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max, value;
	} good[] = {
		{ "0", 0, 0, 0 },
		{ "007", 0, 9, 7 },
		{ "-5", -5, 5, -5 },
		{ "5", -5, 5, 5 },
		{ "-0", -1, 1, 0 },
		{ "9223372036854775807", 0, INT64_MAX, INT64_MAX },
		{ "-9223372036854775808", INT64_MIN, 0, INT64_MIN },
	};
	static const struct {
		const char *text;
		int64_t min, max;
	} bad[] = {
		{ "", 0, 9 },
		{ "-", -9, 9 },
		{ "--1", -9, 9 },
		{ "+1", 0, 9 },
		{ " 1", 0, 9 },
		{ "1 ", 0, 9 },
		{ "1x", 0, 9 },
		{ "0x1", 0, 9 },
		{ "10", 0, 9 }, /* One over. */
		{ "0", 1, 9 },  /* One under. */
		{ "-6", -5, 5 },
		{ "-1", 0, 9 }, /* No sign where none can be meant. */
		{ "-0", 0, 9 },
		{ "9223372036854775808", 0, INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t value = 99;

		errno = ERANGE; /* Of something else, long ago. */
		assert_true(str_to_int(good[i].text, good[i].min, good[i].max, &value));
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t value = 99;

		assert_false(str_to_int(bad[i].text, bad[i].min, bad[i].max, &value));
		assert_int_equal(value, 99);
	}
}

/* First and last character of each length, and what stands right beside them. */
static void utf8_is_well_formed_or_not(void **state)
{
	static const char *const good[] = { "", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf", "a\xc3\xa9z" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z",
		"\xc2\xc2", "\xe0\x9f\xbf", "\xe0\xa0", "\xe0\xa0z", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf0\x90\x80z", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "a\xc3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_true(str_is_utf8("\0x", 2));
}

static void utf8_is_mended(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
		{ "plain", 5, "plain" },
		{ "\x1b[1m\r\n", 6, "\x1b[1m\r\n" }, /* Only what is no UTF-8 is touched. */
		{ "a\xffz", 3, "a" FFFD "z" },
		{ "a\0z", 3, "a" FFFD "z" },
		{ "\xe2\x82", 2, FFFD FFFD }, /* A character cut off. */
		{ "\xe2\x82z", 3, FFFD FFFD "z" },
		{ "\xe2\x82\xac", 3, "\xe2\x82\xac" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str s = { 0 };

		str_add_utf8(&s, cases[i].bytes, cases[i].len);
		assert_string_equal(str_text(&s), cases[i].text);
	}
}

static void escapes_and_controls_go(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{ "\x1b[31;1merror:\x1b[0m no", "error: no" },
		{ "\x1b[?25l\x1b[2K\x1b[1 q.", "." },     /* Private, erase, intermediate. */
		{ "\x1b(B\x1b[mdone", "done" },           /* What tput sgr0 prints. */
		{ "\x1b]0;title\atext", "text" },         /* Ended by BEL. */
		{ "\x1b]8;;http://x\x1b\\link", "link" }, /* Ended by ST. */
		{ "\x1bP1;2q\x1b\\after", "after" },      /* Device control. */
		{ "\0337a\0338b\033=c\033~d", "abcd" },   /* Two characters. */
		{ "a\x1b", "a" },                         /* Cut off, in each place. */
		{ "a\x1b[", "a" },
		{ "a\x1b[31", "a" },
		{ "a\x1b]0;t", "a" },
		{ "a\x1b]0;t\x1b", "a" },
		{ "a\x1b[3\nnext", "a\nnext" }, /* Broken: the next line stays. */
		{ "a\x1b]0;t\nnext", "a\nnext" },
		{ "a\x1b]0;t\n\\next", "a\n\\next" },
		{ "a\x1b]0;t\x1bM\\", "a\\" },
		{ "a\x1b\x1b[31mb", "ab" },
		{ "a\x1b\xc3\xa9", "a\xc3\xa9" },
		{ "\r50%\r100%\b\x7f\tok\n", "50%100%\tok\n" },
		{ "\xc2\x9bmred\xc2\x85\xc2\xa0", "mred\xc2\xa0" }, /* C1 controls, not U+00A0. */
		{ "caf\xe9", "caf" FFFD },
		{ "\xed\xa0\x80", FFFD FFFD FFFD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].bytes);
		cleanup_free char *exact = xmalloc(len); /* Nothing to look at behind it. */
		cleanup_str struct str s = { 0 };

		memcpy(exact, cases[i].bytes, len);
		str_add_printable(&s, exact, len);
		assert_string_equal(str_text(&s), cases[i].text);
	}
}

static const char *const names[] = { "evaluator.timeout", "evaluator.memory", "build.timeout",
	"state_dir", "systems", "listen" };

static void the_nearest_names_come_first(void **state)
{
	static const struct {
		const char *wanted;
		size_t n;
		const char *nearest[2];
	} cases[] = {
		{ "state_dir", 1, { "state_dir" } },
		{ "STATE-dir", 1, { "state_dir" } },
		{ "sytsems", 1, { "systems" } }, /* Neighbours swapped count once. */
		{ "evaluator.tiemout", 2, { "evaluator.timeout", "evaluator.memory" } },
		{ "evaluator.memo", 2, { "evaluator.memory", "evaluator.timeout" } },
		{ "lsten", 1, { "listen" } }, /* One is missing, */
		{ "isten", 1, { "listen" } },
		{ "xlisten", 1, { "listen" } }, /* one is too many, */
		{ "lixsten", 1, { "listen" } },
		{ "xisten", 1, { "listen" } }, /* one is another. */
		{ "lisxyn", 1, { "listen" } }, /* A third of its letters... */
		{ "lixxyn", 0, { NULL } },     /* ... and one more. */
		{ "colour", 0, { NULL } },
		{ "", 0, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *found[2] = { NULL };
		size_t n = str_nearest(cases[i].wanted, names, ARRAY_LEN(names), found, 2);

		assert_int_equal(n, cases[i].n);
		for (size_t j = 0; j < n; j++)
			assert_string_equal(found[j], cases[i].nearest[j]);
	}
}

/* Where every difference counts: of three letters one may differ, of four or five two. */
static void differences_are_counted(void **state)
{
	static const char *const abc[] = { "abc" };
	static const struct {
		const char *wanted;
		size_t n;
	} cases[] = { { "abc", 1 }, { "aBc", 1 }, { "xbc", 1 }, { "abx", 1 }, { "bac", 1 },
		{ "acb", 1 }, { "cab", 0 }, { "xyc", 0 }, { "ab", 1 }, { "bc", 1 }, { "a", 0 },
		{ "xabc", 1 }, { "xxabc", 1 }, { "abcxx", 1 }, { "xabcx", 1 }, { "xxxabc", 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *found = NULL;

		assert_int_equal(str_nearest(cases[i].wanted, abc, 1, &found, 1), cases[i].n);
	}
}

static void nearest_keeps_its_bounds(void **state)
{
	const char *many[20], *found[20];
	char longest[66];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = "same";
	assert_int_equal(str_nearest("same", many, 20, found, 20), 16);
	assert_int_equal(str_nearest("same", many, 20, found, 3), 3);
	assert_int_equal(str_nearest("same", many, 20, found, 0), 0);

	memset(longest, 'x', 65);
	longest[65] = '\0';
	many[0] = longest + 1; /* 64 bytes */
	assert_int_equal(str_nearest(longest + 1, many, 1, found, 1), 1);
	assert_int_equal(str_nearest(longest, many, 1, found, 1), 0);
	many[0] = longest;
	assert_int_equal(str_nearest(longest + 1, many, 1, found, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_grow),
		cmocka_unit_test(clearing_keeps_memory_and_freeing_does_not),
		cmocka_unit_test(format_makes_fresh_text),
		cmocka_unit_test(starts_and_ends),
		cmocka_unit_test(numbers_are_digits_and_nothing_else),
		cmocka_unit_test(utf8_is_well_formed_or_not),
		cmocka_unit_test(utf8_is_mended),
		cmocka_unit_test(escapes_and_controls_go),
		cmocka_unit_test(the_nearest_names_come_first),
		cmocka_unit_test(differences_are_counted),
		cmocka_unit_test(nearest_keeps_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
