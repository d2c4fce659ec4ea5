/* Jobs from a file: one a line, or an array. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/job_reader.h"
#include "lib/mem.h"

/* Each object behind the number of its line, or the error without the file's name. */
static char *read_text(const char *text)
{
	char path[] = "/tmp/capq-test-XXXXXX";
	struct job_reader reader;
	struct str out = { 0 };
	struct err err = { 0 };
	struct json *json;
	int fd = mkstemp(path), rv;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(job_reader_open(&reader, path, &err), 0);
	while ((rv = job_reader_next(&reader, &json, &err)) > 0) {
		str_addf(&out, "%" PRId64 ":", reader.line);
		json_print(json, &out);
		str_add(&out, " ");
		json_free(json);
	}
	if (rv < 0) {
		assert_true(str_starts(err.text, path));
		str_add(&out, err.text + strlen(path) + 1);
	}
	job_reader_close(&reader);
	unlink(path);
	return str_take(&out);
}

static void test_files(void **state)
{
	static const char expected[] =
		"expected an object such as {\"attr\": \"hello\", \"caps\": \"8.6\"}";
	static const struct {
		const char *text, *meaning, *more;
	} cases[] = {
		{ "", "", "" },
		{ " \n\t\r\n", "", "" },
		{ "{\"a\":1}\n{\"b\":2}\n", "1:{\"a\":1} 2:{\"b\":2} ", "" },
		{ "{\"a\":1}{\"b\":2}", "1:{\"a\":1} 1:{\"b\":2} ", "" },
		{ "[]", "", "" },
		{ "[\n{\"a\":1},\n{\"b\":\n2}\n]\n", "2:{\"a\":1} 3:{\"b\":2} ", "" },
		{ "{\"a\":\"}{\\\"}\"}", "1:{\"a\":\"}{\\\"}\"} ", "" },
		{ "{\"a\":{\"b\":{}}}", "1:{\"a\":{\"b\":{}}} ", "" },
		{ "{\"a\":1},{\"b\":2}", "1:{\"a\":1} 1: ", expected },
		{ "\"hello\"", "1: ", expected },
		{ "{\"a\":1}\nhello", "1:{\"a\":1} 2: ", expected },
		{ "[{\"a\":1} {\"b\":2}]",
			"1:{\"a\":1} 1: expected ',' or ']' behind an object of "
			"the array",
			"" },
		{ "[{\"a\":1},]", "1:{\"a\":1} 1: ", expected },
		{ "[{\"a\":1}]\n{}", "1:{\"a\":1} 2: ", expected },
		{ "[{\"a\":1}", "1:{\"a\":1} 1: the array has no end", "" },
		{ "{\"a\":1", "1: the object has no end", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = read_text(cases[i].text);
		char *wanted = str_format("%s%s", cases[i].meaning, cases[i].more);

		assert_string_equal(got, wanted);
		free(got);
		free(wanted);
	}
}

static void test_what_is_no_json_names_its_line(void **state)
{
	char *got = read_text("{}\n{\"a\":01}");

	(void)state;
	assert_true(str_starts(got, "1:{} 2: "));
	free(got);
}

static void test_an_object_without_end_is_refused(void **state)
{
	char *text = xcalloc(1, JOB_TEXT_MAX + 2), *got;

	(void)state;
	memset(text, '{', JOB_TEXT_MAX + 1);
	got = read_text(text);
	assert_string_equal(got, "1: the object is larger than 64 KiB");
	free(got);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_what_is_no_json_names_its_line),
		cmocka_unit_test(test_an_object_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
