/* Attribute paths: what is taken, its one canonical text, and the sentence for what is refused. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/attr_path.h"
#include "lib/mem.h"
#include "lib/str.h"

static void paths_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *elements[4], *canonical;
	} cases[] = {
		{ "hello", 1, { "hello" }, "hello" },
		{ "python3Packages.torch", 2, { "python3Packages", "torch" },
			"python3Packages.torch" },
		{ "_7zz", 1, { "_7zz" }, "_7zz" },
		{ "a-b.c'd.e_f.g1", 4, { "a-b", "c'd", "e_f", "g1" }, "a-b.c'd.e_f.g1" },
		{ "\"hello\"", 1, { "hello" }, "hello" },
		{ "linuxPackages.\"nvidia_x11\"", 2, { "linuxPackages", "nvidia_x11" },
			"linuxPackages.nvidia_x11" },
		{ "a.\"b.c\".d", 3, { "a", "b.c", "d" }, "a.\"b.c\".d" },
		{ "\"7zip\"", 1, { "7zip" }, "\"7zip\"" },
		{ "\"-x\".\"a b\"", 2, { "-x", "a b" }, "\"-x\".\"a b\"" },
		{ "\"q\\\"b\\\\s\"", 1, { "q\"b\\s" }, "\"q\\\"b\\\\s\"" },
		{ "\"${x}\"", 1, { "${x}" }, "\"${x}\"" }, /* Data: Nix never reads it as code. */
		{ "\"caf\xc3\xa9\"", 1, { "caf\xc3\xa9" }, "\"caf\xc3\xa9\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[2 * ATTR_PATH_TEXT_MAX];
		struct attr_path path;

		assert_int_equal(attr_path_parse(cases[i].text, &path, NULL), 0);
		assert_int_equal(path.n, cases[i].n);
		for (size_t j = 0; j < path.n; j++)
			assert_string_equal(path.elements[j], cases[i].elements[j]);
		attr_path_format(&path, text);
		assert_string_equal(text, cases[i].canonical);
		assert_int_equal(attr_path_parse(text, &path, NULL), 0);
	}
}

static void others_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "it is empty" },
		{ ".", "an element is empty (two dots, or one at the edge)" },
		{ ".a", "an element is empty (two dots, or one at the edge)" },
		{ "a.", "an element is empty (two dots, or one at the edge)" },
		{ "a..b", "an element is empty (two dots, or one at the edge)" },
		{ "a.\"\"", "an element is empty" },
		{ "7zz", "an element begins with '7'; put such an element in double quotes" },
		{ "a.-b", "an element begins with '-'; put such an element in double quotes" },
		{ "a.\xc3\xa9",
			"an element begins with '?'; put such an element in double quotes" },
		{ "a b", "the character ' ' needs double quotes around its element" },
		{ "a/b", "the character '/' needs double quotes around its element" },
		{ "a\n", "the character '?' needs double quotes around its element" },
		{ "a\"b\"", "the character '\"' needs double quotes around its element" },
		{ "\"a", "a quote is not closed" },
		{ "\"a\\\"", "a quote is not closed" },
		{ "\"a\\", "a backslash stands only before a quote or another backslash" },
		{ "\"a\\nb\"", "a backslash stands only before a quote or another backslash" },
		{ "\"a\"b", "a quoted element must end at a dot" },
		{ "\"a\tb\"", "it holds a control character" },
		{ "\"a\x7f\"", "it holds a control character" },
		{ "\"a\\\x1f\"", "a backslash stands only before a quote or another backslash" },
		{ "\"\xff\"", "it is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text =
			str_format("attribute path '%s': %s", cases[i].text, cases[i].why);
		struct attr_path path;
		struct err err;

		assert_int_equal(attr_path_parse(cases[i].text, &path, &err), CAPQ_EINVAL);
		assert_string_equal(err.text, text);
	}
}

static void at_most_16_elements(void **state)
{
	struct attr_path path;
	struct err err;

	(void)state;
	assert_int_equal(attr_path_parse("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", &path, NULL), 0);
	assert_int_equal(path.n, 16);
	assert_string_equal(path.elements[15], "p");
	assert_int_equal(
		attr_path_parse("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", &path, &err), CAPQ_EINVAL);
	assert_true(str_ends(err.text, ": it has more than 16 elements"));
}

static void at_most_256_bytes(void **state)
{
	char text[ATTR_PATH_TEXT_MAX + 2], again[2 * ATTR_PATH_TEXT_MAX];
	struct attr_path path;
	struct err err;

	(void)state;
	memset(text, 'x', sizeof text);
	text[ATTR_PATH_TEXT_MAX] = '\0';
	assert_int_equal(attr_path_parse(text, &path, NULL), 0);
	assert_int_equal(strlen(path.elements[0]), ATTR_PATH_TEXT_MAX);
	text[ATTR_PATH_TEXT_MAX] = 'x';
	text[ATTR_PATH_TEXT_MAX + 1] = '\0';
	assert_int_equal(attr_path_parse(text, &path, &err), CAPQ_EINVAL);
	assert_true(str_ends(err.text, ": it is longer than 256 bytes"));

	/* All of it escapes: the canonical text is no longer. */
	memset(text, '\\', ATTR_PATH_TEXT_MAX);
	text[0] = text[ATTR_PATH_TEXT_MAX - 1] = '"';
	text[ATTR_PATH_TEXT_MAX] = '\0';
	assert_int_equal(attr_path_parse(text, &path, NULL), 0);
	attr_path_format(&path, again);
	assert_string_equal(again, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_taken_apart),
		cmocka_unit_test(others_are_refused_with_a_reason),
		cmocka_unit_test(at_most_16_elements),
		cmocka_unit_test(at_most_256_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
