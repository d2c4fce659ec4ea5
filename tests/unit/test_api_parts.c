/* The small parts of the API: states that a list asks for, ranges, the text of events. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/api/filter.h"
#include "daemon/api/range.h"
#include "daemon/api/sse.h"
#include "lib/job.h"
#include "lib/mem.h"

#define LIVE                                                                                       \
	(1 << JOB_EVALUATING | 1 << JOB_PLANNING | 1 << JOB_WAITING | 1 << JOB_PUSHING |           \
		1 << JOB_ON_HOLD)

static void states_of_jobs(void **state)
{
	static const struct {
		const char *text;
		int64_t wanted; /* -1: refused. */
	} cases[] = {
		{ NULL, 0 },
		{ "", 0 },
		{ "done", 1 << JOB_DONE },
		{ "done,failed", 1 << JOB_DONE | 1 << JOB_FAILED },
		{ "live", LIVE },
		{ "live,done,", LIVE | 1 << JOB_DONE },
		{ "ready", -1 }, /* Of a build. */
		{ "Done", -1 },
		{ "done failed", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		uint32_t bits = 77;

		assert_int_equal(
			filter_job_states(cases[i].text, &bits, &err), cases[i].wanted >= 0);
		if (cases[i].wanted >= 0)
			assert_int_equal(bits, cases[i].wanted);
		else
			assert_non_null(strstr(err.text, "there is no state '"));
	}
}

static void states_of_builds(void **state)
{
	uint32_t bits;

	(void)state;
	assert_true(filter_build_states("live", &bits, NULL));
	assert_int_equal(bits, 1 << BUILD_BLOCKED | 1 << BUILD_READY | 1 << BUILD_BUILDING |
				       1 << BUILD_VERIFYING | 1 << BUILD_PUSHING);
	assert_false(filter_build_states("waiting", &bits, NULL)); /* Of a job. */
}

static void assert_cursor(int64_t next, const char *wanted)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	filter_add_cursor(&out, next);
	json_out_end_object(&out);
	assert_string_equal(str_text(&out.text), wanted);
	str_free(&out.text);
}

static void cursors(void **state)
{
	(void)state;
	assert_cursor(12, "{\"next_cursor\":\"12\"}");
	assert_cursor(0, "{\"next_cursor\":null}");
}

static void ranges(void **state)
{
	static const struct {
		const char *text;
		int64_t size, from, to; /* from -1: it counts as not there. */
	} cases[] = {
		{ "bytes=0-", 100, 0, 100 },
		{ "bytes=10-", 100, 10, 100 },
		{ "bytes=10-19", 100, 10, 20 },
		{ "bytes=10-10", 100, 10, 11 },
		{ "bytes=10-999", 100, 10, 100 },
		{ "bytes=99-99", 100, 99, 100 },
		{ "bytes=100-", 100, 100, 100 }, /* Behind the end: the caller says so. */
		{ "bytes=-10", 100, 90, 100 },
		{ "bytes=-100", 100, 0, 100 },
		{ "bytes=-101", 100, 0, 100 },
		{ "bytes=0-9223372036854775806", 100, 0, 100 },
		{ NULL, 100, -1, 0 },
		{ "", 100, -1, 0 },
		{ "bytes=", 100, -1, 0 },
		{ "bytes=-", 100, -1, 0 },
		{ "bytes=-0", 100, -1, 0 },
		{ "bytes=20-10", 100, -1, 0 },
		{ "bytes=1-2,5-6", 100, -1, 0 },
		{ "bytes= 1-2", 100, -1, 0 },
		{ "bytes=+1-2", 100, -1, 0 },
		{ "bytes=0x1-2", 100, -1, 0 },
		{ "lines=1-2", 100, -1, 0 },
		{ "bytes=9223372036854775808-", 100, -1, 0 },
		{ "bytes=0-9223372036854775807", 100, -1, 0 },
		{ "bytes=11111111111111111111111111111111111111111111111111111111111111-", 100, -1,
			0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct range range = { -1, 0, false };
		bool taken = range_parse(cases[i].text, cases[i].size, &range);

		if (taken != (cases[i].from >= 0) || range.from != cases[i].from ||
			range.to != cases[i].to || range.is_partial != taken)
			fail_msg("%s: %d to %d", cases[i].text, (int)range.from, (int)range.to);
	}
}

static void events_as_text(void **state)
{
	cleanup_str struct str out = { 0 };

	(void)state;
	sse_add(&out, "job", 12, "{\"id\":12}");
	sse_add(&out, "progress", -1, "{}");
	sse_add_heartbeat(&out);
	sse_add(&out, "chunk", 0, "\"x\"");
	assert_string_equal(str_text(&out), "id: 12\nevent: job\ndata: {\"id\":12}\n\n"
					    "event: progress\ndata: {}\n\n"
					    ":\n\n"
					    "id: 0\nevent: chunk\ndata: \"x\"\n\n");
}

static void text_is_taken_from_the_front(void **state)
{
	cleanup_str struct str from = { 0 };
	char out[8];

	(void)state;
	assert_int_equal(sse_take(&from, out, sizeof out), 0);
	str_add(&from, "0123456789");
	assert_int_equal(sse_take(&from, out, 8), 8);
	assert_memory_equal(out, "01234567", 8);
	assert_string_equal(str_text(&from), "89");
	assert_int_equal(sse_take(&from, out, 8), 2);
	assert_memory_equal(out, "89", 2);
	assert_int_equal(from.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_of_jobs),
		cmocka_unit_test(states_of_builds),
		cmocka_unit_test(cursors),
		cmocka_unit_test(ranges),
		cmocka_unit_test(events_as_text),
		cmocka_unit_test(text_is_taken_from_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
