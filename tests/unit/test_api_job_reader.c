/* Jobs in the body of a submit, however it is cut. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/api/job_reader.h"
#include "lib/mem.h"

static int add_object(void *owner, const char *text, size_t len, struct err *err)
{
	struct str *out = owner;

	if (strstr(text, "refuse") != NULL)
		return err_set(err, CAPQ_EEXIST, "refused");
	str_add_bytes(out, text, len);
	str_add_char(out, ' ');
	return 0;
}

/* Each object behind the other, then the error. In pieces of `piece` bytes. */
static char *read_body(const char *body, size_t piece)
{
	struct job_reader reader = { 0 };
	struct err err = { 0 };
	struct str out = { 0 };
	size_t len = strlen(body);
	int rv = 0;

	for (size_t at = 0; at < len && rv == 0; at += piece)
		rv = job_reader_feed(&reader, body + at, len - at < piece ? len - at : piece,
			add_object, &out, &err);
	if (rv == 0)
		rv = job_reader_end(&reader, &err);
	str_addf(&out, "%s", rv == 0 ? "." : err.text);
	job_reader_finish(&reader);
	return str_take(&out);
}

static void bodies(void **state)
{
	static const struct {
		const char *body, *wanted;
	} cases[] = {
		{ "{\"a\":1}", "{\"a\":1} ." },
		{ "{\"a\":1}\n{\"b\":2}\n", "{\"a\":1} {\"b\":2} ." },
		{ "{}{}", "{} {} ." },
		{ "[{\"a\":1},{\"b\":2}]", "{\"a\":1} {\"b\":2} ." },
		{ " \r\n\t[ {} , {} ]\n ", "{} {} ." },
		{ "{\"a\":\"}{\\\"}\\\\\"}", "{\"a\":\"}{\\\"}\\\\\"} ." },
		{ "{\"a\":{\"b\":[{}]}}", "{\"a\":{\"b\":[{}]}} ." },
		{ "", "the body holds no job" },
		{ " \n", "the body holds no job" },
		{ "[]", "the body holds no job" },
		{ "[{}", "{} the body ends in the middle, behind 1 jobs" },
		{ "{\"a\":", "the body ends in the middle, behind 0 jobs" },
		{ "{} ]", "{} behind job 1: ']' where an object ('{') was expected" },
		{ "{},{}", "{} behind job 1: ',' where an object ('{') was expected" },
		{ "[{},]", "{} behind job 1: ']' where an object ('{') was expected" },
		{ "[,{}]", "behind job 0: ',' where an object ('{') was expected" },
		{ "[{}{}]", "{} behind job 1: '{' where ',' or ']' was expected" },
		{ "[{}] {}", "{} behind job 1: '{' where the end was expected" },
		{ "[[{}]]", "behind job 0: '[' where an object ('{') was expected" },
		{ "7", "behind job 0: '7' where an object ('{') was expected" },
		{ "\x01", "behind job 0: '?' where an object ('{') was expected" },
		{ "{}{\"refuse\":1}{}", "{} refused" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t piece = 1; piece <= strlen(cases[i].body) + 1; piece++) {
			cleanup_free char *got = read_body(cases[i].body, piece);

			if (strcmp(got, cases[i].wanted) != 0)
				fail_msg("%s by %zu: %s", cases[i].body, piece, got);
		}
	}
}

/* One object is held, never more; one that is too long is refused when it gets too long. */
static void objects_are_bounded(void **state)
{
	static const char start[] = "{\"a\":\"", more[] = "xxxxxxxxxxxxxxxx";
	struct job_reader reader = { 0 };
	struct err err = { 0 };
	size_t fed = strlen(start);
	int rv;

	(void)state;
	rv = job_reader_feed(&reader, start, strlen(start), add_object, NULL, &err);
	while (rv == 0) {
		rv = job_reader_feed(&reader, more, strlen(more), add_object, NULL, &err);
		fed += strlen(more);
		assert_true(fed <= JOB_READER_OBJECT_MAX + strlen(more));
	}
	assert_int_equal(rv, CAPQ_ETOOBIG);
	assert_string_equal(err.text, "job 0 has more than 65536 bytes");
	job_reader_finish(&reader);
}

static int count_object(void *owner, const char *text, size_t len, struct err *err)
{
	size_t *n = owner;

	(void)text;
	(void)len;
	(void)err;
	(*n)++;
	return 0;
}

static void a_hundred_thousand(void **state)
{
	static const char line[] = "{\"attr\":\"torch\",\"caps\":\"8.6\"}\n";
	struct job_reader reader = { 0 };
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(
			job_reader_feed(&reader, line, strlen(line), count_object, &n, NULL), 0);
	assert_int_equal(job_reader_end(&reader, NULL), 0);
	assert_int_equal(n, 100000);
	assert_true(reader.object.capacity <= 4096);
	job_reader_finish(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),
		cmocka_unit_test(objects_are_bounded),
		cmocka_unit_test(a_hundred_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
