/* CSV as it is written: what is quoted, how numbers look. */
#include "tests/support/cmocka_all.h"

#include <math.h>

#include "lib/csv_out.h"

static void assert_text(struct csv_out *out, const char *wanted)
{
	assert_string_equal(str_text(&out->text), wanted);
	str_free(&out->text);
	out->need_comma = false;
}

static void fields_and_rows(void **state)
{
	struct csv_out out = { 0 };

	(void)state;
	csv_out_header(&out, "a,b,c");
	csv_out_text(&out, "");
	csv_out_text(&out, NULL);
	csv_out_int(&out, INT64_MIN);
	csv_out_end_row(&out);
	csv_out_text(&out, "x y");
	csv_out_end_row(&out);
	assert_text(&out, "a,b,c\n,,-9223372036854775808\nx y\n");
}

static void what_would_be_read_otherwise_is_quoted(void **state)
{
	struct csv_out out = { 0 };

	(void)state;
	csv_out_text(&out, "8.0,8.6");
	csv_out_text(&out, "say \"x\"");
	csv_out_text(&out, "two\nlines");
	csv_out_text(&out, "\r");
	csv_out_text(&out, "it's; fine");
	assert_text(&out, "\"8.0,8.6\",\"say \"\"x\"\"\",\"two\nlines\",\"\r\",it's; fine");
}

static void numbers(void **state)
{
	struct csv_out out = { 0 };

	(void)state;
	csv_out_double(&out, 1.5, 3);
	csv_out_double(&out, 100, 3);
	csv_out_double(&out, 100, 0);
	csv_out_double(&out, 0.0004, 3);
	csv_out_double(&out, -0.0004, 3);
	csv_out_double(&out, NAN, 3);
	csv_out_double(&out, INFINITY, 3);
	csv_out_double(&out, 0.125, 2);
	assert_text(&out, "1.5,100,100,0,0,,,0.12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_and_rows),
		cmocka_unit_test(what_would_be_read_otherwise_is_quoted),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
