/* Command lines, and what is said of those that are wrong. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "client/options.h"
#include "lib/mem.h"
#include "lib/str.h"

#define WORDS_MAX 12

static const struct option_spec specs[] = {
	{ "caps", 'c', "SET", "" },
	{ "rev", '\0', "REV", "" },
	{ "wait", 'w', NULL, "" },
	{ .name = NULL },
};

static const struct command command = {
	.name = "try",
	.arguments = "ONE [TWO]",
	.options = specs,
	.min_operands = 1,
	.max_operands = 2,
};

/* The words of `line`, read by the table above: "--name=value" each, then the operands, or the
 * error. */
static char *read_line(const char *line)
{
	char *copy = xstrdup(line), *rest = copy, *argv[WORDS_MAX + 1] = { copy };
	struct options options = { 0 };
	struct err err = { 0 };
	struct str out = { 0 };
	int argc = 0;

	while (rest != NULL && argc < WORDS_MAX)
		argv[argc++] = strsep(&rest, " ");
	if (options_read(&options, &command, argc, argv, &err) < 0) {
		str_add(&out, err.text);
	} else {
		for (size_t i = 0; i < options.n_given; i++)
			str_addf(&out, "--%s=%s ", options.given[i].spec->name,
				options.given[i].value == NULL ? "" : options.given[i].value);
		for (size_t i = 0; i < options.n_operands; i++)
			str_addf(&out, "%s ", options.operands[i]);
	}
	options_finish(&options);
	free(copy);
	return str_take(&out);
}

static void test_lines(void **state)
{
	static const struct {
		const char *line, *meaning;
	} cases[] = {
		{ "try a", "a " },
		{ "try a --caps 8.6 b -w", "--caps=8.6 --wait= a b " },
		{ "try -c8.6 --caps=9.0 a --json", "--caps=8.6 --caps=9.0 --json= a " },
		{ "try --re master a", "--rev=master a " },
		{ "try -wc 8.6 a", "--wait= --caps=8.6 a " },
		{ "try -- a --caps", "a --caps " },
		{ "try --help", "--help= " },
		{ "try", "something is missing; usage: capq try ONE [TWO]" },
		{ "try a b c d", "'c' is too much; usage: capq try ONE [TWO]" },
		{ "try a --cap 8.6", "--caps=8.6 a " },
		{ "try a --wiat", "no option --wiat; did you mean --wait?" },
		{ "try a --xyzzy=1", "no option --xyzzy; see capq try --help" },
		{ "try a --wait=1", "--wait takes no value" },
		{ "try a --caps", "--caps wants a value; see capq try --help" },
		{ "try a -c", "-c wants a value; see capq try --help" },
		{ "try a --json -wz", "no option -z; see capq try --help" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = read_line(cases[i].line);

		assert_string_equal(got, cases[i].meaning);
		free(got);
	}
}

static void test_values(void **state)
{
	char *argv[] = { "try", "a", "--caps", "17", "--caps", "8.6", "--rev", "10m", NULL };
	struct options options = { 0 };
	struct err err = { 0 };
	size_t at = 0;
	int64_t n = 0;

	(void)state;
	assert_int_equal(options_read(&options, &command, 8, argv, NULL), 0);
	assert_string_equal(option_next(&options, "caps", &at), "17");
	assert_string_equal(option_next(&options, "caps", &at), "8.6");
	assert_null(option_next(&options, "caps", &at));
	assert_string_equal(option_text(&options, "caps"), "8.6");
	assert_true(option_given(&options, "rev"));
	assert_false(option_given(&options, "wait"));
	assert_int_equal(option_duration(&options, "rev", 1, &n, &err), 0);
	assert_int_equal(n, 600000);
	assert_int_equal(option_int(&options, "rev", 1, 9, 5, &n, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "--rev '10m': expected a whole number from 1 to 9");
	assert_int_equal(option_size(&options, "caps", 5, &n, &err), CAPQ_EINVAL);
	assert_int_equal(option_int(&options, "wait", 1, 9, 5, &n, &err), 0);
	assert_int_equal(n, 5);
	options_finish(&options);
}

static void test_commands(void **state)
{
	static const struct {
		const char *name, *meaning; /* The command, or the error. */
	} cases[] = {
		{ "submit", "submit" },
		{ "su", "submit" },
		{ "ret", "retry" },
		{ "list", "list" },
		{ "re", "'re' may be retry or release" },
		{ "w", "'w' may be wait, watch or why" },
		{ "sumbit", "no command 'sumbit'; did you mean 'submit'?" },
		{ "frobnicate", "no command 'frobnicate'; see capq help" },
		{ "", "no command ''; see capq help" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct command *found;
		struct err err = { 0 };

		if (command_find(cases[i].name, &found, &err) == 0)
			assert_string_equal(found->name, cases[i].meaning);
		else
			assert_string_equal(err.text, cases[i].meaning);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
