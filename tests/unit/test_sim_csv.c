/* CSV files: what is read, and what is refused and where. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "sim/csv.h"

/* "columns: a|b; 2: 1|2; 3: ..." with the line of each record, or the error. */
static char *read_text(const char *text, size_t len)
{
	struct err err = { 0 };
	struct str out = { 0 };
	struct csv csv;
	int rv = csv_parse(&csv, "t.csv", text, len, &err);

	for (size_t i = 0; rv == 0 && i < csv.n_columns; i++)
		str_addf(&out, "%s%s", i > 0 ? "|" : "", csv.columns[i]);
	while (rv == 0 && (rv = csv_next(&csv, &err)) > 0) {
		str_addf(&out, "; %zu: ", csv.line);
		for (size_t i = 0; i < csv.n_fields; i++)
			str_addf(&out, "%s%s", i > 0 ? "|" : "", csv.fields[i]);
		rv = 0;
	}
	if (rv < 0)
		str_addf(&out, " ! %s", err.text);
	csv_finish(&csv);
	return str_take(&out);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *meaning;
	} cases[] = {
		{ "a,b\n1,2\n", "a|b; 2: 1|2" },
		{ "a,b\r\n1,2\r\n", "a|b; 2: 1|2" },
		{ "a,b\n1,2", "a|b; 2: 1|2" },
		{ "a,b\n,\n", "a|b; 2: |" },
		{ "a\n\n\n1\n\r\n2\n", "a; 4: 1; 6: 2" },
		{ "\xef\xbb\xbf"
		  "a\n1\n",
			"a; 2: 1" },
		{ "a,b\n\"1,1\",\"say \"\"hi\"\"\"\n", "a|b; 2: 1,1|say \"hi\"" },
		{ "a,b\n\"x\ny\",2\n3,4\n", "a|b; 2: x\ny|2; 4: 3|4" },
		{ "a,b\n\"\",\"\"\n", "a|b; 2: |" },
		{ "a,b\n1\n", "a|b ! t.csv:2: 1 fields, but there are 2 columns" },
		{ "a,b\n1,2\n1,2,3\n", "a|b; 2: 1|2 ! t.csv:3: 3 fields, but there are 2 columns" },
		{ "a,a\n", " ! t.csv:1: column 'a' twice" },
		{ "", " ! t.csv:1: empty; the first line names the columns" },
		{ "a\nx\"y\n", "a ! t.csv:2: a quote within a field that is not quoted" },
		{ "a\n\"x\"y\n", "a ! t.csv:2: a quote ends within a field" },
		{ "a\n\"x\n", "a ! t.csv:2: a quoted field does not end" },
		{ "a\nx\ry\n", "a ! t.csv:2: a carriage return alone" },
		{ "a\n\xff\n", " ! t.csv: not UTF-8 text" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *got = read_text(cases[i].text, strlen(cases[i].text));

		assert_string_equal(got, cases[i].meaning);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "a\nx\0y\n";
	cleanup_free char *got = read_text(text, sizeof text - 1);

	(void)state;
	assert_string_equal(got, " ! t.csv: not UTF-8 text");
}

static void test_many_columns(void **state)
{
	cleanup_str struct str text = { 0 };
	cleanup_free char *got = NULL;

	(void)state;
	for (int i = 0; i <= CSV_COLUMNS_MAX; i++)
		str_addf(&text, "%sc%d", i > 0 ? "," : "", i);
	got = read_text(text.text, text.len);
	assert_string_equal(got, " ! t.csv:1: more than 64 columns");
}

static void test_no_file(void **state)
{
	struct err err = { 0 };
	struct csv csv;

	(void)state;
	assert_int_equal(csv_open(&csv, "/nowhere/at/all", &err), CAPQ_ENOTFOUND);
	csv_finish(&csv);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_many_columns),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
