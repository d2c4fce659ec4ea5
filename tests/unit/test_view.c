/* The live table as a person sees it, at several widths. */
#include "tests/support/cmocka_all.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "client/view.h"
#include "lib/mem.h"

#define NOW 1000000000000
#define REV "1a2b3c4d5e6f70819293a4b5c6d7e8f901234567"

/* Strings are borrowed: these records are never finished. */
static struct record records[] = {
	{ .job = { .id = 9,
		  .attr = "magma",
		  .caps = "8.0,8.6,9.0+PTX",
		  .rev = REV,
		  .state = JOB_WAITING,
		  .submitted_at = NOW - 61000 },
		.waits_for = "cudnn-9.1 (building)",
		.seen_at_ms = NOW },
	{ .job = { .id = 17,
		  .attr = "python3Packages.torch",
		  .caps = "8.6",
		  .rev = REV,
		  .state = JOB_WAITING,
		  .build_id = 4,
		  .submitted_at = NOW - 5000000 },
		.progress = { .build_id = 4,
			.phase = "buildPhase",
			.done = 7,
			.expected = 20,
			.ms = 723000,
			.last_line = "Building CXX object \033[31mred\033[0m.o",
			.pushed_bytes = -1 },
		.seen_at_ms = NOW - 1000 },
	{ .job = { .id = 18,
		  .attr = "faiss",
		  .caps = "8.6",
		  .rev = REV,
		  .flavour = "mkl",
		  .state = JOB_PUSHING,
		  .build_id = 5,
		  .submitted_at = NOW - 300 },
		.seen_at_ms = NOW },
	{ .job = { .id = 2,
		  .attr = "python3Packages.f\xc3\xbcr-\xe6\xbc\xa2\xe5\xad\x97",
		  .caps = "8.6",
		  .rev = REV,
		  .state = JOB_ON_HOLD,
		  .submitted_at = NOW },
		.seen_at_ms = NOW },
};

static char *render(size_t width, size_t height, size_t n)
{
	const struct record *order[ARRAY_LEN(records)];
	struct view view = { .width = width,
		.height = height,
		.now_ms = NOW,
		.summary = "1 running, 2 waiting  12m05s" };
	struct str out = { 0 };

	for (size_t i = 0; i < n; i++)
		order[i] = &records[i];
	view_render(&view, order, n, &out);
	return str_take(&out);
}

static void expect(size_t width, size_t height, size_t n, const char *wanted)
{
	char *got = render(width, height, n);

	assert_string_equal(got, wanted);
	free(got);
}

static void test_there_is_room_for_everything(void **state)
{
	(void)state;
	expect(110, 24, 3,
		"JOB  PACKAGE                                STATE       PHASE       ELAPSED  NOW\n"
		" 17  python3Packages.torch @ 8.6 # 1a2b3c4  waiting     buildPhase   12m04s  "
		"[7/20] Building CXX object red.o\n"
		" 18  faiss @ 8.6 # 1a2b3c4 (mkl)            pushing                    0.3s\n"
		"  9  magma @ 8.0,8.6,9.0+PTX # 1a2b3c4      waiting                   1m01s  "
		"cudnn-9.1 (building)\n"
		"1 running, 2 waiting  12m05s\n");
}

/* Columns go in the order of their importance, and what stays is cut. */
static void test_it_becomes_narrow(void **state)
{
	(void)state;
	expect(80, 24, 1,
		"JOB  PACKAGE                            STATE       ELAPSED  NOW\n"
		"  9  magma @ 8.0,8.6,9.0+PTX # 1a2b3c4  waiting       1m01s  cudnn-9.1 (buildin"
		"\xe2\x80\xa6\n"
		"1 running, 2 waiting  12m05s\n");
	expect(60, 24, 2,
		"JOB  PACKAGE                 STATE       PHASE       ELAPSED\n"
		" 17  python3Packages.torch\xe2\x80\xa6  waiting     buildPhase   12m04s\n"
		"  9  magma @ 8.0,8.6,9.0+P\xe2\x80\xa6  waiting                   1m01s\n"
		"1 running, 2 waiting  12m05s\n");
	expect(30, 24, 1,
		"JOB  PACKAGE        STATE\n"
		"  9  magma @ 8.0,\xe2\x80\xa6  waiting\n"
		"1 running, 2 waiting  12m05s\n");
	expect(10, 24, 1,
		"JOB  PACK\xe2\x80\xa6\n"
		"  9  magm\xe2\x80\xa6\n"
		"1 running\xe2\x80\xa6\n");
}

static void test_it_becomes_low(void **state)
{
	(void)state;
	expect(60, 4, 4,
		"JOB  PACKAGE                 STATE       PHASE       ELAPSED\n"
		" 17  python3Packages.torch\xe2\x80\xa6  waiting     buildPhase   12m04s\n"
		"... and 3 more\n"
		"1 running, 2 waiting  12m05s\n");
	expect(60, 2, 4,
		"... and 4 more\n"
		"1 running, 2 waiting  12m05s\n");
	expect(60, 24, 0, "1 running, 2 waiting  12m05s\n");
}

/* Characters of two columns and of several bytes count as what they take. */
static void test_no_line_ever_wraps(void **state)
{
	(void)state;
	for (size_t width = 0; width < 140; width++) {
		for (size_t height = 2; height < 8; height++) {
			char *rest, *lines = render(width, height, ARRAY_LEN(records)), *line;
			size_t n = 0;

			for (rest = lines; (line = strsep(&rest, "\n")) != NULL && rest != NULL;
				n++)
				assert_true(text_width(line) <= width);
			assert_true(n <= height);
			free(lines);
		}
	}
}

static void note_of(const struct record *record, const char *wanted)
{
	cleanup_str struct str note = { 0 };

	record_add_note(&note, record);
	assert_string_equal(str_text(&note), wanted);
}

static void test_the_note_says_what_is_known(void **state)
{
	struct record r = { .job = { .state = JOB_WAITING, .build_id = 4 },
		.waits_for = "a slot",
		.progress = { .build_id = 4, .name = "torch", .pushed_bytes = -1 } };

	(void)state;
	note_of(&r, "a slot");
	r.progress.last_line = "cc a.c";
	note_of(&r, "cc a.c");
	r.progress.build_id = 3; /* One that the job needs. */
	r.progress.name = "magma";
	note_of(&r, "magma: cc a.c");
	r.progress.last_line = "";
	note_of(&r, "magma");
	r.progress.expected = 20;
	note_of(&r, "magma: [0/20] ");
	r.progress.pushed_bytes = 2048;
	note_of(&r, "magma: [0/20] 2.0 KiB pushed");
	r.progress.build_id = 0;
	note_of(&r, "a slot");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_is_room_for_everything),
		cmocka_unit_test(test_it_becomes_narrow),
		cmocka_unit_test(test_it_becomes_low),
		cmocka_unit_test(test_no_line_ever_wraps),
		cmocka_unit_test(test_the_note_says_what_is_known),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
