/* Documents in and out: exact integers, kinds, printing, mended text. What is refused is in
 * test_json_check.c. */
#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static struct json *parse(const char *text)
{
	struct json *json;
	struct err err = { 0 };

	if (json_parse(text, strlen(text), &json, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return json;
}

static void what_is_refused_leaves_nothing(void **state)
{
	struct json *json = NULL;
	struct err err;

	(void)state;
	assert_int_equal(json_parse("[1,2", 4, &json, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "not JSON: expected ',' or ']' at byte 4");
	assert_null(json);
	json_free(NULL);
}

static void kinds(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
		const char *name;
	} cases[] = {
		{ "null", JSON_NULL, "null" },
		{ "true", JSON_BOOL, "a boolean" },
		{ "false", JSON_BOOL, "a boolean" },
		{ "1.5", JSON_NUMBER, "a number" },
		{ "\"x\"", JSON_STRING, "a string" },
		{ "[]", JSON_ARRAY, "an array" },
		{ "{}", JSON_OBJECT, "an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json struct json *json = parse(cases[i].text);

		assert_int_equal(json_kind(json), cases[i].kind);
		assert_string_equal(json_kind_name(json_kind(json)), cases[i].name);
	}
	assert_int_equal(json_kind(NULL), JSON_ABSENT);
	assert_string_equal(json_kind_name(JSON_ABSENT), "nothing");
}

static void members_and_elements(void **state)
{
	cleanup_json struct json *json =
		parse("{\"a\":1,\"A\":2,\"a\":3,\"list\":[\"x\",\"y\"],\"b\":true,\"none\":null}");
	const struct json *list = json_get(json, "list"), *v;
	bool b = false;
	int64_t n;

	(void)state;
	assert_true(json_int(json_get(json, "a"), &n));
	assert_int_equal(n, 1); /* The first one. */
	assert_true(json_int(json_get(json, "A"), &n));
	assert_int_equal(n, 2);
	assert_null(json_get(json, "LIST"));
	assert_int_equal(json_kind(json_get(json, "none")), JSON_NULL);
	assert_true(json_bool(json_get(json, "b"), &b));
	assert_true(b);

	assert_int_equal(json_count(json), 6);
	assert_int_equal(json_count(list), 2);
	v = json_first(list);
	assert_string_equal(json_text(v), "x");
	assert_null(json_name(v));
	assert_string_equal(json_text(json_next(v)), "y");
	assert_null(json_next(json_next(v)));
	assert_string_equal(json_name(list), "list");
}

/* Each question is answered "no" by a value of another kind, and by none at all. */
static void wrong_kinds_say_no(void **state)
{
	cleanup_json struct json *json = parse("[null,true,1,\"x\",[1],{\"a\":1}]");
	const struct json *v = json_first(json);

	(void)state;
	for (int i = 0; i < 7; i++, v = json_next(v)) { /* The seventh is NULL. */
		int64_t n = 99;
		uint64_t u = 99;
		bool b = true;
		double d = 99;

		assert_int_equal(json_bool(v, &b), json_kind(v) == JSON_BOOL);
		assert_int_equal(json_int(v, &n), json_kind(v) == JSON_NUMBER);
		assert_int_equal(json_uint(v, &u), json_kind(v) == JSON_NUMBER);
		assert_int_equal(json_double(v, &d), json_kind(v) == JSON_NUMBER);
		assert_int_equal(json_text(v) != NULL, json_kind(v) == JSON_STRING);
		assert_int_equal(json_get(v, "a") != NULL, json_kind(v) == JSON_OBJECT);
		assert_int_equal(json_count(v),
			json_kind(v) == JSON_ARRAY || json_kind(v) == JSON_OBJECT ? 1 : 0);
		assert_int_equal(n, json_kind(v) == JSON_NUMBER ? 1 : 99);
	}
	assert_null(v);
	assert_null(json_next(NULL));
	assert_null(json_name(NULL));
}

static void integers_are_exact_to_64_bits(void **state)
{
	static const struct {
		const char *text;
		bool is_int, is_uint;
		int64_t n;
		uint64_t u;
	} cases[] = {
		{ "0", true, true, 0, 0 },
		{ "-1", true, false, -1, 0 },
		{ "-0", true, true, 0, 0 },
		{ "999999999999999", true, true, 999999999999999, 999999999999999 },
		{ "9007199254740993", true, true, 9007199254740993,
			9007199254740993 }, /* 2^53 + 1 */
		{ "-9007199254740993", true, false, -9007199254740993, 0 },
		{ "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
		{ "9223372036854775808", false, true, 0, UINT64_C(9223372036854775808) },
		{ "-9223372036854775808", true, false, INT64_MIN, 0 },
		{ "-9223372036854775809", false, false, 0, 0 },
		{ "18446744073709551615", false, true, 0, UINT64_MAX },
		{ "18446744073709551616", false, false, 0, 0 },
		{ "-18446744073709551615", false, false, 0, 0 },
		{ "1e3", true, true, 1000, 1000 },
		{ "1.0", true, true, 1, 1 },
		{ "0.1e1", true, true, 1, 1 },
		{ "9.99e14", true, true, 999000000000000, 999000000000000 },
		{ "1e15", false, false, 0, 0 },
		{ "1.5", false, false, 0, 0 },
		{ "1e-1", false, false, 0, 0 },
		{ "0.99999999999999999999", false, false, 0, 0 }, /* As a double it is 1. */
		{ "1.0000000000000000001", false, false, 0, 0 },
		{ "1e99", false, false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json struct json *json = parse(cases[i].text);
		int64_t n = 77;
		uint64_t u = 77;

		errno = ERANGE; /* Of something else, long ago. */
		assert_int_equal(json_int(json, &n), cases[i].is_int);
		assert_int_equal(n, cases[i].is_int ? cases[i].n : 77);
		errno = ERANGE;
		assert_int_equal(json_uint(json, &u), cases[i].is_uint);
		assert_true(u == (cases[i].is_uint ? cases[i].u : 77));
	}
}

static void long_numbers_are_found_in_their_places(void **state)
{
	cleanup_json struct json *json = parse("{\"a\":[1,9007199254740993,{\"b\":2}],\"c\":"
					       "9007199254740995,\"d\":3,\"e\":\"1\",\"f\":"
					       "9007199254740997}");
	int64_t n;

	(void)state;
	assert_true(json_int(json_next(json_first(json_get(json, "a"))), &n));
	assert_int_equal(n, 9007199254740993);
	assert_true(json_int(json_get(json, "c"), &n));
	assert_int_equal(n, 9007199254740995);
	assert_true(json_int(json_get(json, "d"), &n));
	assert_int_equal(n, 3);
	assert_true(json_int(json_get(json, "f"), &n));
	assert_int_equal(n, 9007199254740997);
}

/* What is printed is what was read, without blanks and in one spelling; printed again it stays. */
static void printing(void **state)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{ " null ", "null" },
		{ "[ true , false ]", "[true,false]" },
		{ "{ \"b\" : 1, \"a\" : [ ] , \"c\":{}}", "{\"b\":1,\"a\":[],\"c\":{}}" },
		{ "\"\\u0041\\/\\u00e9\\uD83D\\uDE00\"", "\"A/\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "\"\\b\\f\\n\\r\\t\\\"\\\\\\u001F\\u007f\"",
			"\"\\b\\f\\n\\r\\t\\\"\\\\\\u001f\x7f\"" },
		{ "{\"a\\\"\":1}", "{\"a\\\"\":1}" },
		{ "-0", "-0" },
		{ "0.10", "0.1" },
		{ "1.0", "1" },
		{ "123456789012345", "123456789012345" },
		{ "18446744073709551615", "18446744073709551615" },
		{ "3.14159265358979323846", "3.14159265358979323846" },
		{ "1E5", "1E5" },
		{ "1e99", "1e99" },
		{ "123456789012e99", "123456789012e99" },
		{ "0.0000000000001", "1e-13" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_json struct json *json = parse(cases[i].text), *again = NULL;
		cleanup_str struct str once = { 0 }, twice = { 0 };

		json_print(json, &once);
		assert_string_equal(str_text(&once), cases[i].printed);
		again = parse(str_text(&once));
		json_print(again, &twice);
		assert_string_equal(str_text(&twice), cases[i].printed);
	}
}

static void a_long_number_fits(void **state)
{
	static const char text[] =
		"[123456789012345678901234567890123456789012345678901234567890123,1]";
	cleanup_json struct json *json = parse(text);
	cleanup_str struct str printed = { 0 };

	(void)state;
	json_print(json, &printed);
	assert_string_equal(str_text(&printed), text);
}

static void writing(void **state)
{
	struct json_out out = { 0 };

	(void)state;
	json_out_object(&out, NULL);
	json_out_int(&out, "min", INT64_MIN);
	json_out_array(&out, "list");
	json_out_object(&out, NULL);
	json_out_end_object(&out);
	json_out_array(&out, NULL);
	json_out_end_array(&out);
	json_out_text(&out, NULL, "x y");
	json_out_end_array(&out);
	json_out_object(&out, "o");
	json_out_bool(&out, "t", true);
	json_out_bool(&out, "f", false);
	json_out_end_object(&out);
	json_out_null(&out, "n");
	json_out_text(&out, "missing", NULL);
	json_out_time(&out, "at", INT64_C(1795368301042));
	json_out_time(&out, "never", 0);
	json_out_raw(&out, "raw", "[1, 2]");
	json_out_end_object(&out);
	assert_string_equal(str_text(&out.text),
		"{\"min\":-9223372036854775808,\"list\":[{},[],\"x y\"],\"o\":{\"t\":true,\"f\":"
		"false},\"n\":null,\"missing\":null,\"at\":\"2026-11-22T17:25:01.042Z\",\"never\":"
		"null,\"raw\":[1, 2]}");
	str_free(&out.text);
}

static void doubles_are_written_exactly_enough(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -1.5, "-1.5" },
		{ 0.1, "0.1" },
		{ 5184000.123, "5184000.123" }, /* 60 days in ms, as seconds. */
		{ 1e15, "1e+15" },
		{ 9.9e99, "9.9e+99" },
		{ 1e100, "null" },
		{ -1e100, "null" },
		{ 1e-99, "1e-99" },
		{ 1e-100, "0" },
		{ INFINITY, "null" },
		{ NAN, "null" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_out out = { 0 };

		json_out_double(&out, NULL, cases[i].value);
		assert_string_equal(str_text(&out.text), cases[i].text);
		json_free(parse(str_text(&out.text)));
		str_free(&out.text);
	}
}

/* Whatever bytes come in, JSON that our own reader takes goes out. */
static void text_is_mended(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} cases[] = {
		{ "", 0, "\"\"" },
		{ "a\xff\xc3z", 4, "\"a\xef\xbf\xbd\xef\xbf\xbdz\"" },
		{ "a\0z", 3, "\"a\xef\xbf\xbdz\"" },
		{ "\x1b[1m\xff", 5, "\"\\u001b[1m\xef\xbf\xbd\"" },
		{ "a\"\\\n\x01", 5, "\"a\\\"\\\\\\n\\u0001\"" },
		{ "\"quoted\"", 8, "\"\\\"quoted\\\"\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_out out = { 0 };

		json_out_bytes(&out, NULL, cases[i].bytes, cases[i].len);
		assert_string_equal(str_text(&out.text), cases[i].json);
		json_free(parse(str_text(&out.text)));
		str_free(&out.text);
	}
}

static bool set_locale_with_comma(void)
{
	static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8" };

	for (size_t i = 0; i < ARRAY_LEN(locales); i++)
		if (setlocale(LC_NUMERIC, locales[i]) != NULL)
			return true;
	return false;
}

/* A client sets its user's locale, in which a point may be a comma. */
static void the_locale_does_not_matter(void **state)
{
	struct json_out out = { 0 };
	struct json *json;
	double d;

	(void)state;
	if (!set_locale_with_comma())
		skip(); /* Without the package `locales`, which ./dev installs. */
	json_out_double(&out, NULL, 1.5);
	assert_string_equal(str_text(&out.text), "1.5");
	json = parse("[1.5]");
	assert_true(json_double(json_first(json), &d));
	assert_true(d == 1.5);
	str_clear(&out.text);
	json_print(json, &out.text);
	assert_string_equal(str_text(&out.text), "[1.5]");
	json_free(json);
	str_free(&out.text);
	setlocale(LC_NUMERIC, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused_leaves_nothing),
		cmocka_unit_test(kinds),
		cmocka_unit_test(members_and_elements),
		cmocka_unit_test(wrong_kinds_say_no),
		cmocka_unit_test(integers_are_exact_to_64_bits),
		cmocka_unit_test(long_numbers_are_found_in_their_places),
		cmocka_unit_test(printing),
		cmocka_unit_test(a_long_number_fits),
		cmocka_unit_test(writing),
		cmocka_unit_test(doubles_are_written_exactly_enough),
		cmocka_unit_test(text_is_mended),
		cmocka_unit_test(the_locale_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
