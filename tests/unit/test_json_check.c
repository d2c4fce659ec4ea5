/* What is JSON and what is not, in the manner of the JSON Parsing Test Suite (RFC 8259). */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_check.h"
#include "lib/mem.h"
#include "lib/str.h"

/* Memory of just `len` bytes, so that ASan and valgrind see a look beyond them. */
static int check(const char *text, size_t len, struct err *err)
{
	cleanup_free char *copy = xmalloc(len);

	memcpy(copy, text, len);
	return json_check(copy, len, NULL, NULL, err);
}

static void what_is_json(void **state)
{
	static const char *const good[] = { "null", "true", "false", "0", "-0", "1", "-1", "123",
		"1.5", "-0.1", "0.10", "1e5", "1E+5", "1e-5", "0e1", "1.5e09", "\"\"", "\"a b\"",
		"[]", "[ ]", "{}", "{ }", "[1,2]", " [ 1 , 2 ] ", "\t\n\r 1\t\n\r ", "[[],{}]",
		"{\"a\":1}", "{\"a\":1,\"a\":2}", "{\"\":0}", "[null,true,false]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0001\"", "\"\\uD83D\\uDE00\"",
		"\"\\uD800\\uDC00\\uDBFF\\uDFFF\\uD7FF\\uE000\\uFFFF\"", "\"\\u00aF\"",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "\"\x7f\"", "\"\xc2\x80\"",
		"\"\\\\u0000\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = { 0 };

		if (check(good[i], strlen(good[i]), &err) < 0)
			fail_msg("%s: %s", good[i], err.text);
	}
}

/* An @ stands where the error is found; it is taken out before the text is read. */
static void what_is_not_json(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "@", "expected a value" },
		{ "  @", "expected a value" },
		{ "@nul", "expected a value" },
		{ "@True", "expected a value" },
		{ "@NaN", "expected a value" },
		{ "@Infinity", "expected a value" },
		{ "-@Infinity", "expected a value" },
		{ "@'a'", "expected a value" },
		{ "@a", "expected a value" },
		{ "@,", "expected a value" },
		{ "@]", "expected a value" },
		{ "@}", "expected a value" },
		{ "@/* c */1", "expected a value" },
		{ "@\xef\xbb\xbf[]", "expected a value" }, /* A byte order mark. */
		{ "true@x", "something stands behind the value" },
		{ "1 @2", "something stands behind the value" },
		{ "[]@]", "something stands behind the value" },
		{ "{}@,", "something stands behind the value" },
		{ "\"a\"@\"b\"", "something stands behind the value" },
		{ "1@// c", "something stands behind the value" },

		{ "-@", "expected a value" },
		{ "@+1", "expected a value" },
		{ "@.5", "expected a value" },
		{ "-@.5", "expected a value" },
		{ "01@", "a number with a leading zero" },
		{ "-00@", "a number with a leading zero" },
		{ "1.@", "a number without digits behind its point" },
		{ "1.@e5", "a number without digits behind its point" },
		{ "1e@", "a number without digits in its exponent" },
		{ "1e+@", "a number without digits in its exponent" },
		{ "1e-@x", "a number without digits in its exponent" },
		{ "1e100@", "a number beyond 10^99" },
		{ "1e-100@", "a number beyond 10^99" },
		{ "0@x1F", "something stands behind the value" },
		{ "1@_000", "something stands behind the value" },
		{ "1.2@.3", "something stands behind the value" },

		{ "\"a@", "a string that does not end" },
		{ "\"a\\\"@", "a string that does not end" },
		{ "\"\\@", "a bad escape" },
		{ "\"\\@x41\"", "a bad escape" },
		{ "\"\\@'\"", "a bad escape" },
		{ "\"\\@U0041\"", "a bad escape" },
		{ "\"\\u@004\"", "a bad \\u escape" },
		{ "\"\\u@00g0\"", "a bad \\u escape" },
		{ "\"\\u@", "a bad \\u escape" },
		{ "\"\\u@0000\"", "\\u0000" },
		{ "\"\\u0041@", "a string that does not end" },
		{ "\"\\uD800@\"", "half a surrogate pair" },
		{ "\"\\uDBFF@\"", "half a surrogate pair" },
		{ "\"\\uDC00@\"", "half a surrogate pair" },
		{ "\"\\uDFFF@\"", "half a surrogate pair" },
		{ "\"\\uD800\\u@DBFF\"", "half a surrogate pair" },
		{ "\"\\uD800\\u@E000\"", "half a surrogate pair" },
		{ "\"\\uD83D@\"", "half a surrogate pair" },
		{ "\"\\uD83D@x\"", "half a surrogate pair" },
		{ "\"\\uD83D\\@n\"", "half a surrogate pair" },
		{ "\"\\uD83D\\u@0041\"", "half a surrogate pair" },
		{ "\"\\uD83D\\u@D83D\"", "half a surrogate pair" },
		{ "\"\\uD83D\\u@DE0\"", "half a surrogate pair" },
		{ "\"\\uDE00@\"", "half a surrogate pair" },
		{ "\"@\n\"", "a control character in a string" },
		{ "\"a@\t\"", "a control character in a string" },
		{ "\"\xff@\"", "a string that is not UTF-8" },
		{ "\"\xc0\x80@\"", "a string that is not UTF-8" },
		{ "\"\xed\xa0\x80@\"", "a string that is not UTF-8" },
		{ "\"\xe2\x82@\"", "a string that is not UTF-8" },

		{ "[@", "expected a value" },
		{ "[1@", "expected ',' or ']'" },
		{ "[1,@", "expected a value" },
		{ "[1,@]", "expected a value" },
		{ "[@,1]", "expected a value" },
		{ "[1,@,2]", "expected a value" },
		{ "[1 @2]", "expected ',' or ']'" },
		{ "[1@}", "expected ',' or ']'" },
		{ "[1@:2]", "expected ',' or ']'" },
		{ "{@", "expected a name in double quotes" },
		{ "{@1:2}", "expected a name in double quotes" },
		{ "{@a:1}", "expected a name in double quotes" },
		{ "{@'a':1}", "expected a name in double quotes" },
		{ "{\"a\"@}", "expected ':'" },
		{ "{\"a\" @1}", "expected ':'" },
		{ "{\"a\":@}", "expected a value" },
		{ "{\"a\":1@", "expected ',' or '}'" },
		{ "{\"a\":1,@}", "expected a name in double quotes" },
		{ "{\"a\":1@]", "expected ',' or '}'" },
		{ "{@,\"a\":1}", "expected a name in double quotes" },
		{ "{\"\\u@0000\":1}", "\\u0000" },
		{ "{\"\xff@\":1}", "a string that is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = xstrdup(cases[i].text);
		char *mark = strchr(text, '@');
		cleanup_free char *why =
			str_format("not JSON: %s at byte %td", cases[i].why, mark - text);
		struct err err = { 0 };

		memmove(mark, mark + 1, strlen(mark));
		assert_int_equal(check(text, strlen(text), &err), CAPQ_EINVAL);
		assert_string_equal(err.text, why);
	}
}

static void nuls_are_no_json(void **state)
{
	static const char *const bad[] = { "\0", "1\0", "\"\0\"", "\"\\\0\"", "[\0]" };
	static const size_t len[] = { 1, 2, 3, 4, 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(check(bad[i], len[i], NULL), CAPQ_EINVAL);
}

/* `n` times `opening`, a value, `n` times `closing`. */
static int check_nested(size_t n, const char *opening, const char *closing, struct err *err)
{
	cleanup_str struct str text = { 0 };

	for (size_t i = 0; i < n; i++)
		str_add(&text, opening);
	str_add(&text, "1");
	for (size_t i = 0; i < n; i++)
		str_add(&text, closing);
	return check(text.text, text.len, err);
}

static void at_most_64_in_each_other(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(check_nested(64, "[", "]", NULL), 0);
	assert_int_equal(check_nested(64, "{\"a\":", "}", NULL), 0);
	assert_int_equal(check_nested(65, "[", "]", &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "JSON nested more than 64 deep");
	assert_int_equal(check_nested(65, "{\"a\":", "}", &err), CAPQ_ETOOBIG);
	assert_int_equal(check_nested(100000, "[", "", &err), CAPQ_ETOOBIG);
	/* Side by side is not in each other. */
	assert_int_equal(check("[[[]],[[]],[[]]]", 16, NULL), 0);
}

static void at_most_63_digits(void **state)
{
	char text[66];
	struct err err = { 0 };

	(void)state;
	memset(text, '7', sizeof text);
	text[0] = '[';
	text[64] = ']';
	assert_int_equal(check(text, 65, NULL), 0);
	text[64] = '7';
	text[65] = ']';
	assert_int_equal(check(text, 66, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "not JSON: a number of more than 63 characters at byte 65");
}

static void note_number(void *owner, size_t n, const char *digits, size_t len)
{
	str_addf(owner, "%zu=%.*s ", n, (int)len, digits);
}

static void numbers_are_reported_in_order(void **state)
{
	static const char text[] = "{\"7\":[1,\"2\",-3.5e+7],\"a\":{\"b\":12345678901234567890}}";
	cleanup_str struct str got = { 0 };

	(void)state;
	assert_int_equal(json_check(text, sizeof text - 1, note_number, &got, NULL), 0);
	assert_string_equal(str_text(&got), "0=1 1=-3.5e+7 2=12345678901234567890 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_json),
		cmocka_unit_test(what_is_not_json),
		cmocka_unit_test(nuls_are_no_json),
		cmocka_unit_test(at_most_64_in_each_other),
		cmocka_unit_test(at_most_63_digits),
		cmocka_unit_test(numbers_are_reported_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
