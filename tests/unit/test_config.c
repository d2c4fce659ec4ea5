/* Reading a configuration by its table: values, errors with their lines, bounds. Printing and
 * reloading are in test_config_text.c. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/yaml_doc.h"
#include "tests/support/sample_config.h"

/* ---- values ---- */

static void defaults(void **state)
{
	struct house house;

	(void)state;
	house_parse("owner: emil", &house);
	assert_string_equal(house.owner, "emil");
	assert_string_equal(house.path, "/way");
	assert_true(house.lit);
	assert_int_equal(house.wait_ms, 600000);
	assert_int_equal(house.rooms, 3);
	assert_int_equal(house.attic_bytes, 1 << 30);
	assert_int_equal(house.colour, 1);
	assert_int_equal(house.guests.n, 0);
	assert_string_equal(house.notes, "{}");
	assert_int_equal(house.shelves.n, 0);
	config_finish(&house_table, &house);
	assert_null(house.owner);
	config_finish(&house_table, &house); /* Harmless. */
}

static void every_type(void **state)
{
	struct house house;
	const struct shelf *shelves;

	(void)state;
	house_parse(house_of_everything, &house);
	assert_string_equal(house.owner, "emil: his");
	assert_false(house.lit);
	assert_int_equal(house.wait_ms, 5400000);
	assert_int_equal(house.rooms, -1);
	assert_int_equal(house.attic_bytes, 65536);
	assert_int_equal(house.colour, 2);
	assert_int_equal(house.guests.n, 3);
	assert_string_equal(house.guests.items[1], "b c");
	assert_string_equal(house.guests.items[2], "3");
	assert_string_equal(house.notes, "{\"n\":1,\"s\":\"1\",\"l\":[true,null],\"o\":{}}");
	assert_int_equal(house.shelves.n, 2);
	shelves = house.shelves.items;
	assert_string_equal(shelves[0].name, "x");
	assert_int_equal(shelves[0].boards, 4);
	assert_int_equal(shelves[0].books.n, 2);
	assert_string_equal(shelves[0].books.items[1], "dune");
	assert_int_equal(shelves[1].boards, 9);
	assert_int_equal(shelves[1].books.n, 0);
	config_finish(&house_table, &house);
}

/* What stands for the same thing in other words; all of it prints as the default does. */
static void what_is_left_out_is_null(void **state)
{
	static const char *const texts[] = {
		"owner: emil\npath: ~\nlight: null\nrooms:\nattic: Null\nguests: NULL\n",
		"owner: emil\nlight: {}\n", "owner: emil\nlight:\n  on:\n  wait: null\nmore:\n",
		"{\"owner\": \"emil\"}", "---\nowner: emil\n...\n",
		"# nothing\nowner: emil # really\n",
		"owner: &a emil\nlight.on: true\n", /* A dotted name is taken as well. */
	};
	cleanup_str struct str plain = { 0 };
	struct house house;

	(void)state;
	house_parse("owner: emil", &house);
	config_print(&house_table, &house, &plain);
	config_finish(&house_table, &house);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_str struct str printed = { 0 };

		house_parse(texts[i], &house);
		config_print(&house_table, &house, &printed);
		assert_string_equal(str_text(&printed), str_text(&plain));
		config_finish(&house_table, &house);
	}
}

/* YAML 1.2's core schema, as far as JSON has the types. */
static void any_mapping_becomes_json(void **state)
{
	static const struct {
		const char *yaml, *json;
	} cases[] = {
		{ "{}", "{}" },
		{ "{a: 1, b: -1.5e3, c: 18446744073709551615}",
			"{\"a\":1,\"b\":-1.5e3,\"c\":18446744073709551615}" },
		{ "{a: true, b: True, c: FALSE, d: null, e: ~, f: , g: NULL}",
			"{\"a\":true,\"b\":true,\"c\":false,\"d\":null,\"e\":null,\"f\":null,\"g\":null}" },
		{ "{a: 'true', b: \"1\", c: 'null', d: !!str 5}",
			"{\"a\":\"true\",\"b\":\"1\",\"c\":\"null\",\"d\":5}" },
		{ "{a: yes, b: 0x1F, c: .5, d: +1, e: 1_000, f: .inf, g: 012}",
			"{\"a\":\"yes\",\"b\":\"0x1F\",\"c\":\".5\",\"d\":\"+1\",\"e\":\"1_000\",\"f\":"
			"\".inf\",\"g\":\"012\"}" },
		{ "{a: &x [1], b: *x}", "{\"a\":[1],\"b\":[1]}" },
		{ "{\"q\\\"\\t\": \"\\u00e9\\x7f\"}", "{\"q\\\"\\t\":\"\xc3\xa9\x7f\"}" },
		{ "\n  a:\n    - b: 1\n      c: {d: e}\n    - f",
			"{\"a\":[{\"b\":1,\"c\":{\"d\":\"e\"}},\"f\"]}" },
		{ "{<<: {a: 1}}", "{\"<<\":{\"a\":1}}" }, /* No merge keys: YAML 1.2 has none. */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *text = str_format("owner: o\nnotes: %s\n", cases[i].yaml);
		struct house house;

		house_parse(text, &house);
		assert_string_equal(house.notes, cases[i].json);
		config_finish(&house_table, &house);
	}
}

/* ---- errors ---- */

static void what_does_not_fit_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		/* No YAML. */
		{ "owner: [", "f:2: did not find expected node content" },
		{ "owner: a\n b: c", "f:2: mapping values are not allowed in this context" },
		{ "\towner: a", "f:1: found character that cannot start any token" },
		{ "a: 1\nowner: \xff\n", "f:2: invalid leading UTF-8 octet" },
		{ "a: 1\n\nowner: \x01\n", "f:3: control characters are not allowed" },
		{ "owner: *a", "f:1: found undefined alias" },
		{ "owner: \"a\\0b\"", "f:1: a text with a NUL in it" },
		{ "owner: a\n---\nowner: b\n", "f:3: a second document begins here" },
		{ "owner: a\n---\n", "f:3: a second document begins here" },
		{ "owner: a\n...\n[", "f:3: did not find expected <document start>" },
		/* No mapping. */
		{ "emil", "f:1: expected a mapping of keys to values" },
		{ "\n- owner", "f:2: expected a mapping of keys to values" },
		{ "owner: a\nlight: on", "f:2: expected a mapping of keys to values below light" },
		{ "owner: a\nmore: {shelves: [x]}", "f:2: expected a mapping of keys to values" },
		/* Names. */
		{ "", "f: 'owner' is missing" },
		{ "rooms: 1", "f: 'owner' is missing" },
		{ "owner: ~", "f: 'owner' is missing" },
		{ "owner: a\nmore:\n  shelves:\n    - boards: 1", "f:4: 'name' is missing" },
		{ "owner: a\nmore: {shelves: [~]}", "f:2: 'name' is missing" },
		{ "owner: a\n\nroms: 1", "f:3: there is no key 'roms'; did you mean 'rooms'?" },
		{ "owner: a\nlight:\n  wiat: 1s",
			"f:3: there is no key 'light.wiat'; did you mean 'light.wait'?" },
		{ "owner: a\nlihgt: {on: true}",
			"f:2: there is no key 'lihgt'; did you mean 'light'?" },
		{ "owner: a\nmore: {shelves: [{nam: x}]}",
			"f:2: there is no key 'nam'; did you mean 'name'?" },
		{ "owner: a\nwallpaper: 1", "f:2: there is no key 'wallpaper'; see capqd.yaml(5)" },
		{ "owner: a\n'': 1", "f:2: there is no key ''; see capqd.yaml(5)" },
		{ "owner: a\nlight: {'': 1}",
			"f:2: there is no key 'light.'; did you mean 'light.on'?" },
		{ "owner: a\nowner: b", "f:2: 'owner' is set twice" },
		{ "owner: ~\nowner: b", "f:2: 'owner' is set twice" },
		{ "owner: a\nlight: {on: true}\nlight: {wait: 1s}", "f:3: 'light' is set twice" },
		{ "owner: a\nlight: {on: true}\nlight.on: true", "f:3: 'light.on' is set twice" },
		{ "owner: a\n[x]: 1", "f:2: a key must be a short text" },
		{ "owner: a\nlight: {[x]: 1}", "f:2: a key must be a short text" },
		/* Values. */
		{ "owner: ''", "f:1: owner: '' does not fit: expected a text that is not empty" },
		{ "owner: [a]", "f:1: owner: expected one value, not a list or a mapping" },
		{ "owner: a\nrooms: {a: 1}",
			"f:2: rooms: expected one value, not a list or a mapping" },
		{ "owner: a\npath: x", "f:2: path: 'x' does not fit: expected an absolute path" },
		{ "owner: a\nlight:\n  on: yes",
			"f:3: light.on: 'yes' does not fit: expected true or false" },
		{ "owner: a\nlight: {on: True}",
			"f:2: light.on: 'True' does not fit: expected true or false" },
		{ "owner: a\nrooms: many",
			"f:2: rooms: 'many' does not fit: expected a whole number (-1 to 1024)" },
		{ "owner: a\nrooms: 1.0",
			"f:2: rooms: '1.0' does not fit: expected a whole number (-1 to 1024)" },
		{ "owner: a\nrooms: 1025",
			"f:2: rooms: '1025' does not fit: expected a value within its limits (-1 to 1024)" },
		{ "owner: a\nrooms: -2",
			"f:2: rooms: '-2' does not fit: expected a value within its limits (-1 to 1024)" },
		{ "owner: a\nlight: {wait: soon}",
			"f:2: light.wait: 'soon' does not fit: expected a duration such as 90s, 10m, "
			"1h30m or 2d (1s to 1d)" },
		{ "owner: a\nlight: {wait: 999ms}",
			"f:2: light.wait: '999ms' does not fit: expected a value within its limits (1s "
			"to 1d)" },
		{ "owner: a\nlight: {wait: 86400001ms}",
			"f:2: light.wait: '86400001ms' does not fit: expected a value within its limits "
			"(1s to 1d)" },
		{ "owner: a\nattic: 1GB",
			"f:2: attic: '1GB' does not fit: expected a size such as 512MiB or 8GiB (1KiB "
			"to 1TiB)" },
		{ "owner: a\nattic: 1023",
			"f:2: attic: '1023' does not fit: expected a value within its limits (1KiB to "
			"1TiB)" },
		{ "owner: a\ncolour: green",
			"f:2: colour: 'green' does not fit: expected one of white, red, blue" },
		{ "owner: a\nguests: x", "f:2: guests: expected a list, such as [a, b]" },
		{ "owner: a\nguests: []", "f:2: guests: 0 entries; expected 1 to 3" },
		{ "owner: a\nguests: [a, b, c, d]", "f:2: guests: 4 entries; expected 1 to 3" },
		{ "owner: a\nguests:\n  - a\n  - [b]", "f:4: guests: expected a list of texts" },
		{ "owner: a\nguests:\n  - a\n  -", "f:4: guests: expected a list of texts" },
		{ "owner: a\nguests: [a, '']", "f:2: guests: expected a list of texts" },
		{ "owner: a\nnotes: [a]", "f:2: notes: expected a mapping, such as {a: 1}" },
		{ "owner: a\nnotes:\n  a: 1\n  a: 2", "f:4: 'a' is set twice" },
		{ "owner: a\nnotes:\n  ? [a]\n  : 1",
			"f:3: a name must be a text of at most 512 bytes" },
		{ "owner: a\nmore: {shelves: {name: x}}",
			"f:2: more.shelves: expected a list of mappings" },
		{ "owner: a\nmore: {shelves: [{name: a}, {name: b}, {name: c}]}",
			"f:2: more.shelves: 3 entries; expected 0 to 2" },
		{ "owner: a\nmore:\n  shelves:\n    - name: x\n      boards: 0",
			"f:5: boards: '0' does not fit: expected a value within its limits (1 to 9)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct house house;
		struct err err = { 0 };

		assert_int_equal(config_parse(cases[i].text, strlen(cases[i].text), "f",
					 &house_table, &house, &err),
			CAPQ_EINVAL);
		assert_string_equal(err.text, cases[i].why);
	}
}

/* ---- bounds ---- */

static int parse_notes(const char *notes, struct err *err)
{
	cleanup_free char *text = str_format("owner: a\nnotes: %s\n", notes);
	struct house house;
	int rv = config_parse(text, strlen(text), "f", &house_table, &house, err);

	if (rv == 0)
		config_finish(&house_table, &house);
	return rv;
}

static void a_name_has_its_limit(void **state)
{
	char name[600], text[640];
	struct house house;
	struct err err;

	(void)state;
	memset(name, 'x', sizeof name);
	(void)snprintf(text, sizeof text, "{%.512s: 1}", name);
	assert_int_equal(parse_notes(text, NULL), 0);
	(void)snprintf(text, sizeof text, "{%.513s: 1}", name);
	assert_int_equal(parse_notes(text, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "f:2: a name must be a text of at most 512 bytes");

	/* Of keys, 127 with what they lie in: longer than any. */
	(void)snprintf(text, sizeof text, "light: {%.121s: 1}", name);
	assert_int_equal(
		config_parse(text, strlen(text), "f", &house_table, &house, &err), CAPQ_EINVAL);
	assert_true(str_starts(err.text, "f:1: there is no key 'light.xxx"));
	(void)snprintf(text, sizeof text, "light: {%.122s: 1}", name);
	assert_int_equal(
		config_parse(text, strlen(text), "f", &house_table, &house, &err), CAPQ_EINVAL);
	assert_string_equal(err.text, "f:1: a key must be a short text");
}

static void depth_has_its_limit(void **state)
{
	cleanup_str struct str text = { 0 };
	struct err err;

	(void)state;
	/* The file and `notes` are two; lists fill the rest but one, which is for what is in them.
	 */
	str_add(&text, "{a: ");
	for (int i = 0; i < YAML_DEPTH_MAX - 3; i++)
		str_add(&text, "[");
	str_add(&text, "1");
	for (int i = 0; i < YAML_DEPTH_MAX - 3; i++)
		str_add(&text, "]");
	str_add(&text, "}");
	assert_int_equal(parse_notes(str_text(&text), NULL), 0);
	text.text[text.len - 1] = ',';
	str_add(&text, "b: ");
	for (int i = 0; i < YAML_DEPTH_MAX - 2; i++)
		str_add(&text, "[");
	str_add(&text, "1");
	for (int i = 0; i < YAML_DEPTH_MAX - 2; i++)
		str_add(&text, "]");
	str_add(&text, "}");
	assert_int_equal(parse_notes(str_text(&text), &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "f:2: nested more than 16 deep");
}

/* A megabyte of brackets is refused at once, whatever is wrong with it besides. */
static void a_deep_file_takes_no_time(void **state)
{
	static char text[CONFIG_FILE_MAX];
	struct house house;
	struct err err;

	(void)state;
	memset(text, '[', sizeof text);
	text[0] = '\n';
	alarm(20);
	assert_int_equal(
		config_parse(text, sizeof text, "f", &house_table, &house, &err), CAPQ_ETOOBIG);
	alarm(0);
	assert_string_equal(err.text, "f:2: nested more than 16 deep");
}

/* Nine lines, each nine times the line before: a billion values were they all read. */
static void aliases_are_bounded(void **state)
{
	cleanup_str struct str text = { 0 };
	struct err err;

	(void)state;
	str_add(&text, "\n  a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++)
		str_addf(&text, "  a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
			i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_int_equal(parse_notes(str_text(&text), &err), CAPQ_ETOOBIG);
	assert_non_null(strstr(err.text, "more than 200000 values or 4194304 bytes of them"));
}

static void an_alias_to_itself_ends(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(parse_notes("{a: &a [*a]}", &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "f:2: nested more than 16 deep");
	assert_int_equal(parse_notes("&a {b: *a}", &err), CAPQ_ETOOBIG);
}

/* One long text many times over: 2^22 bytes with the owner, and not one more. */
static void copies_of_a_text_are_bounded(void **state)
{
	size_t len = (1 << 19) - 1;
	cleanup_free char *big = xcalloc(len + 1, 1), *fits = NULL, *does_not = NULL;
	struct err err;

	(void)state;
	memset(big, 'x', len);
	fits = str_format("{a: &a %s, b: [*a,*a,*a,*a,*a,*a,*a,1234567]}", big);
	assert_int_equal(parse_notes(fits, NULL), 0);
	does_not = str_format("{a: &a %s, b: [*a,*a,*a,*a,*a,*a,*a,12345678]}", big);
	assert_int_equal(parse_notes(does_not, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "f:2: more than 200000 values or 4194304 bytes of them");
}

/* A list may have no limit of its own; those of the file hold. */
static void lists_are_bounded(void **state)
{
	cleanup_free char *big = xcalloc((1 << 19) + 1, 1), *text = NULL;
	struct house house;

	(void)state;
	house_parse("owner: a\nmore: {shelves: [{name: x, books: [a, b, c, d, e]}]}", &house);
	assert_int_equal(((struct shelf *)house.shelves.items)->books.n, 5);
	config_finish(&house_table, &house);

	memset(big, 'x', 1 << 19);
	text = str_format("owner: &a %s\nmore: {shelves: [{name: x, books: "
			  "[*a,*a,*a,*a,*a,*a,*a,*a]}]}",
		big);
	assert_int_equal(
		config_parse(text, strlen(text), "f", &house_table, &house, NULL), CAPQ_ETOOBIG);
}

static void names_in_a_mapping_are_bounded(void **state)
{
	cleanup_str struct str text = { 0 };
	struct err err;

	(void)state;
	for (int i = 0; i < 1000; i++)
		str_addf(&text, "\n  n%d: %d", i, i);
	assert_int_equal(parse_notes(str_text(&text), NULL), 0);
	str_add(&text, "\n  last: 1");
	assert_int_equal(parse_notes(str_text(&text), &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, "f:1003: more than 1000 names in one mapping");
}

/* ---- files ---- */

static char *write_file(size_t n_comments, const char *text)
{
	char *path = xstrdup("/tmp/capq-test-XXXXXX");
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	for (size_t i = 0; i < n_comments; i++)
		(void)fputc('#', file);
	(void)fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void files(void **state)
{
	static const char text[] = "\nowner: emil\n";
	cleanup_free char *most = write_file(CONFIG_FILE_MAX - strlen(text), text),
			  *more = write_file(CONFIG_FILE_MAX - strlen(text) + 1, text),
			  *why = str_format("%s: more than 1048576 bytes", more);
	struct house house;
	struct err err;

	(void)state;
	assert_int_equal(config_read(most, &house_table, &house, NULL), 0);
	assert_string_equal(house.owner, "emil");
	config_finish(&house_table, &house);
	assert_int_equal(config_read(more, &house_table, &house, &err), CAPQ_ETOOBIG);
	assert_string_equal(err.text, why);
	(void)unlink(most);
	(void)unlink(more);
	assert_int_equal(config_read(most, &house_table, &house, &err), CAPQ_ENOTFOUND);
	assert_true(str_ends(err.text, ": No such file or directory"));
	assert_int_equal(config_read("/tmp", &house_table, &house, &err), CAPQ_EFAILED);
	assert_string_equal(err.text, "/tmp: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_type),
		cmocka_unit_test(what_is_left_out_is_null),
		cmocka_unit_test(any_mapping_becomes_json),
		cmocka_unit_test(what_does_not_fit_is_named_with_its_line),
		cmocka_unit_test(a_name_has_its_limit),
		cmocka_unit_test(depth_has_its_limit),
		cmocka_unit_test(a_deep_file_takes_no_time),
		cmocka_unit_test(aliases_are_bounded),
		cmocka_unit_test(an_alias_to_itself_ends),
		cmocka_unit_test(copies_of_a_text_are_bounded),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(names_in_a_mapping_are_bounded),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
