/* Times, durations and sizes, to text and back. */
#include "tests/support/cmocka_all.h"

#include "lib/mem.h"
#include "lib/time_text.h"

#define DAY INT64_C(86400000)

static void times_go_out_and_come_back(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ INT64_C(1795368301042), "2026-11-22T17:25:01.042Z" },
		{ INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
		{ INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TIME_TEXT_MAX];
		int64_t ms;

		time_to_rfc3339(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
		assert_true(time_from_rfc3339(text, &ms));
		assert_int_equal(ms, cases[i].ms);
	}
}

static void the_largest_numbers_have_a_text(void **state)
{
	char text[TIME_TEXT_MAX];

	(void)state;
	time_to_rfc3339(INT64_MAX, text);
	assert_string_equal(text, "292278994-08-17T07:12:55.807Z");
	time_to_rfc3339(INT64_MIN, text);
	assert_string_equal(text, "-292275055-05-16T16:47:04.192Z");
	duration_to_text(INT64_MAX, text);
	assert_string_equal(text, "106751991167d07h");
	size_to_text(INT64_MAX, text);
	assert_string_equal(text, "8192 PiB");
}

static void other_times_are_refused(void **state)
{
	static const char *const bad[] = { "", "2026-11-22", "2026-11-22T17:25:01Z",
		"2026-11-22T17:25:01.42Z", "2026-11-22T17:25:01.042", "2026-11-22T17:25:01.042Zx",
		"2026-11-22T17:25:01.042+00:00", "2026-11-22 17:25:01.042Z",
		"2026-13-22T17:25:01.042Z", "2026-02-29T17:25:01.042Z", "2026-11-22T24:00:00.000Z",
		"2026-11-22T17:25:60.000Z", " 026-11-22T17:25:01.042Z", "2026-11-22T17:25:01.-42Z",
		"+026-11-22T17:25:01.042Z", "12026-11-22T17:25:01.042Z" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t ms = 17;

		assert_false(time_from_rfc3339(bad[i], &ms));
		assert_int_equal(ms, 17);
	}
}

static void durations_for_people(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ -1, "0.0s" },
		{ 0, "0.0s" },
		{ 999, "0.9s" },
		{ 1000, "1s" },
		{ 59999, "59s" },
		{ 60000, "1m00s" },
		{ 225000, "3m45s" },
		{ 3599999, "59m59s" },
		{ 3600000, "1h00m" },
		{ DAY - 1, "23h59m" },
		{ DAY, "1d00h" },
		{ 2 * DAY + 4 * 3600000, "2d04h" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TIME_TEXT_MAX];

		duration_to_text(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "90s", 90000 },
		{ "250ms", 250 },
		{ "10m", 600000 },
		{ "1h30m", 5400000 },
		{ "1d2h3m4s5ms", DAY + 7384005 },
		{ "0h5m", 300000 },
		{ "2d", 2 * DAY },
		{ "36525d", 36525 * DAY },
		{ "36524d24h", 36525 * DAY },
	};
	static const char *const bad[] = { "", "s", "-1s", "+1s", " 1s", "1s ", "1.5h", "1x", "1S",
		"1h30", "0h5", "30m1h", "1m1m", "1ms1", "1h 30m", "36526d", "36525d1ms",
		"99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t ms = -1;

		assert_true(duration_from_text(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t ms = -1;

		assert_false(duration_from_text(bad[i], &ms));
		assert_int_equal(ms, -1);
	}
}

static void sizes_for_people(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 4300, "4.2 KiB" },
		{ 10137, "9.9 KiB" },
		{ 10240, "10 KiB" },
		{ 1022976, "999 KiB" },
		{ 1023488, "1.0 MiB" },
		{ INT64_C(1) << 27, "128 MiB" },
		{ INT64_C(3328599654), "3.1 GiB" },
		{ INT64_C(1) << 42, "4.0 TiB" },
		{ INT64_C(1) << 60, "1024 PiB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TIME_TEXT_MAX];

		size_to_text(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "17B", 17 },
		{ "64KiB", 65536 },
		{ "64K", 65536 },
		{ "2M", 2 << 20 },
		{ "512 MiB", 512 << 20 },
		{ "8GiB", INT64_C(8) << 30 },
		{ "8G", INT64_C(8) << 30 },
		{ "1T", INT64_C(1) << 40 },
		{ "1048576TiB", INT64_C(1) << 60 },
		{ "1152921504606846976", INT64_C(1) << 60 },
	};
	static const char *const bad[] = { "", "K", "-1", "1.5G", "1KB", "1k", "1Gib", "1 ", "1G x",
		"1048577TiB", "1152921504606846977", "99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t bytes = -1;

		assert_true(size_from_text(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t bytes = -1;

		assert_false(size_from_text(bad[i], &bytes));
		assert_int_equal(bytes, -1);
	}
}

/* What is written for a configuration is short and reads back as the same number. */
static void configurations_are_exact(void **state)
{
	static const struct {
		int64_t n;
		const char *duration, *size;
	} cases[] = {
		{ 0, "0s", "0" },
		{ 1, "1ms", "1" },
		{ 1000, "1s", "1000" },
		{ 1024, "1024ms", "1KiB" },
		{ 1500, "1500ms", "1500" },
		{ 90000, "90s", "90000" },
		{ 600000, "10m", "600000" },
		{ 2 * DAY, "2d", "168750KiB" },
		{ INT64_C(8) << 30, "8589934592ms", "8GiB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TIME_TEXT_MAX];
		int64_t n;

		duration_to_config(cases[i].n, text);
		assert_string_equal(text, cases[i].duration);
		assert_true(duration_from_text(text, &n));
		assert_int_equal(n, cases[i].n);
		size_to_config(cases[i].n, text);
		assert_string_equal(text, cases[i].size);
		assert_true(size_from_text(text, &n));
		assert_int_equal(n, cases[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_go_out_and_come_back),
		cmocka_unit_test(the_largest_numbers_have_a_text),
		cmocka_unit_test(other_times_are_refused),
		cmocka_unit_test(durations_for_people),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(sizes_for_people),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(configurations_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
