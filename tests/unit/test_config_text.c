/* What is made of a table and its values: files that can be read, the example, the manual, and the
 * difference between two configurations. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "tests/support/sample_config.h"

/* ---- printing ---- */

static void what_is_printed_reads_as_the_same(void **state)
{
	static const char printed[] = "owner: \"emil: his\"\n"
				      "path: \"/x\"\n"
				      "light:\n"
				      "  on: false\n"
				      "  wait: 90m\n"
				      "rooms: -1\n"
				      "attic: 64KiB\n"
				      "colour: blue\n"
				      "guests: [\"a\", \"b c\", \"3\"]\n"
				      "notes: {\"n\":1,\"s\":\"1\",\"l\":[true,null],\"o\":{}}\n"
				      "more:\n"
				      "  shelves:\n"
				      "    - name: \"x\"\n"
				      "      boards: 4\n"
				      "      books: [\"emma\", \"dune\"]\n"
				      "    - name: \"y\"\n"
				      "      boards: 9\n"
				      "      books: []\n";
	cleanup_str struct str once = { 0 }, twice = { 0 };
	struct house house, again;

	(void)state;
	house_parse(house_of_everything, &house);
	config_print(&house_table, &house, &once);
	assert_string_equal(str_text(&once), printed);
	house_parse(str_text(&once), &again);
	config_print(&house_table, &again, &twice);
	assert_string_equal(str_text(&twice), printed);
	config_finish(&house_table, &house);
	config_finish(&house_table, &again);
}

/* `guests` needs one at least, and has no default. */
static void what_was_left_out_is_printed_as_null(void **state)
{
	cleanup_str struct str printed = { 0 };
	struct house house;

	(void)state;
	house_parse("owner: emil", &house);
	config_print(&house_table, &house, &printed);
	config_finish(&house_table, &house);
	assert_string_equal(str_text(&printed), "owner: \"emil\"\n"
						"path: \"/way\"\n"
						"light:\n"
						"  on: true\n"
						"  wait: 10m\n"
						"rooms: 3\n"
						"attic: 1GiB\n"
						"colour: red\n"
						"guests: null\n"
						"notes: {}\n"
						"more:\n"
						"  shelves: []\n");
	house_parse(str_text(&printed), &house);
	config_finish(&house_table, &house);
}

/* Everything that YAML would take for something else, or not take, once it is printed. */
static void strange_texts_come_back(void **state)
{
	static const char *const texts[] = { "null", "~", "true", "1", " x ", "a: b", "# x", "a\\b",
		"\"", "'", "a\nb", "\t", "\x01\x1f", "\x7f", "\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0",
		"\xe2\x80\xa8\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe\xef\xbf\xbf",
		"\xf0\x9f\x98\x80", "\xed\x9f\xbf", "&a", "*a", "!x", "%x", "@x", "`x", "{", "[",
		"- x", "? x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct json_out notes = { 0 };
		cleanup_str struct str printed = { 0 };
		struct house house = { 0 }, again;

		json_out_object(&notes, NULL);
		json_out_text(&notes, "x", texts[i]);
		json_out_end_object(&notes);
		house.owner = (char *)texts[i];
		house.wait_ms = 1000;
		house.attic_bytes = 1024;
		house.guests = (struct texts){ (char *[]){ (char *)texts[i] }, 1 };
		house.notes = notes.text.text;
		config_print(&house_table, &house, &printed);
		house_parse(str_text(&printed), &again);
		assert_string_equal(again.owner, texts[i]);
		assert_string_equal(again.guests.items[0], texts[i]);
		assert_string_equal(again.notes, house.notes);
		config_finish(&house_table, &again);
		str_free(&notes.text);
	}
}

/* And only that is escaped. */
static void other_texts_are_printed_as_they_are(void **state)
{
	struct house house = { .owner = (char *)"caf\xc3\xa9, 5 \xe2\x82\xac",
		.notes = (char *)"{}" };
	cleanup_str struct str printed = { 0 };

	(void)state;
	config_print(&house_table, &house, &printed);
	assert_true(str_starts(
		str_text(&printed), "owner: \"caf\xc3\xa9, 5 \xe2\x82\xac\"\npath: null\n"));
}

static void the_example_explains_every_key(void **state)
{
	static const char example[] = "# Who lives here. A second sentence.\n"
				      "# (text; required; taken at start)\n"
				      "owner: emil\n"
				      "\n"
				      "# The way there.\n"
				      "# (absolute path; default /way; taken at start)\n"
				      "#path: /way\n"
				      "\n"
				      "light:\n"
				      "  # Whether it is lit.\n"
				      "  # (true or false; default true; reloadable)\n"
				      "  #on: true\n"
				      "\n"
				      "  # Until it goes out.\n"
				      "  # (duration, 1s to 1d; default 10m; reloadable)\n"
				      "  #wait: 10m\n"
				      "\n"
				      "# How many rooms.\n"
				      "# (whole number, -1 to 1024; default 3; reloadable)\n"
				      "#rooms: 3\n"
				      "\n"
				      "# How big, in `2^10' ~.\n"
				      "# (size, 1KiB to 1TiB; default 1GiB; reloadable)\n"
				      "#attic: 1GiB\n"
				      "\n"
				      "# Of the walls.\n"
				      "# (one of white, red, blue; default red; reloadable)\n"
				      "#colour: red\n"
				      "\n"
				      "# Who may come.\n"
				      "# (list of texts, 1 to 3; reloadable)\n"
				      "#guests:\n"
				      "\n"
				      "# Anything.\n"
				      "# (mapping; reloadable)\n"
				      "#notes: {a: 1}\n"
				      "\n"
				      "more:\n"
				      "  # .Shelves with a back\\slash - and 'quotes'.\n"
				      "  # (list of mappings, at most 2; reloadable)\n"
				      "  #shelves:\n"
				      "    # What it is called.\n"
				      "    # (text; required; taken at start)\n"
				      "    #- name: oak\n"
				      "\n"
				      "      # 'Boards' it has.\n"
				      "      # (whole number, 1 to 9; default 4; taken at start)\n"
				      "      #boards: 4\n"
				      "\n"
				      "      # Titles.\n"
				      "      # (list of texts; default emma dune; taken at start)\n"
				      "      #books: [emma, dune]\n";
	cleanup_str struct str out = { 0 };
	struct house house;

	(void)state;
	config_print_example(&house_table, &out);
	assert_string_equal(str_text(&out), example);
	house_parse(example, &house);
	assert_int_equal(house.shelves.n, 0);
	config_finish(&house_table, &house);
}

/* Take away each # that has no blank behind it. */
static char *uncommented(const char *text)
{
	struct str out = { 0 };

	for (; *text != '\0'; text++)
		if (*text != '#' || text[1] == ' ')
			str_add_char(&out, *text);
	return str_take(&out);
}

static void the_example_can_be_uncommented(void **state)
{
	cleanup_str struct str out = { 0 };
	cleanup_free char *text = NULL;
	struct house house;
	const struct shelf *shelf;

	(void)state;
	config_print_example(&house_table, &out);
	text = uncommented(str_text(&out));
	house_parse(text, &house);
	assert_string_equal(house.notes, "{\"a\":1}");
	assert_int_equal(house.shelves.n, 1);
	shelf = house.shelves.items;
	assert_string_equal(shelf->name, "oak");
	assert_int_equal(shelf->books.n, 2);
	assert_string_equal(shelf->books.items[1], "dune");
	config_finish(&house_table, &house);
}

static void the_manual_is_escaped(void **state)
{
	cleanup_str struct str out = { 0 };
	const char *text;

	(void)state;
	config_print_manual(&house_table, &out);
	text = str_text(&out);
	assert_true(str_starts(text, ".Bl -tag -width Ds\n"
				     ".It Ic owner\n"
				     "(text; required; taken at start)\n"
				     ".br\n"
				     "Who lives here.\n"
				     "A second sentence.\n"
				     ".It Ic path\n"));
	assert_non_null(strstr(text, "\nHow big, in \\(ga2\\(ha10' \\(ti.\n"));
	assert_true(str_ends(text, ".It Ic more.shelves\n"
				   "(list of mappings, at most 2; reloadable)\n"
				   ".br\n"
				   "\\&.Shelves with a back\\eslash \\- and 'quotes'.\n"
				   ".It Ic more.shelves[].name\n"
				   "(text; required; taken at start)\n"
				   ".br\n"
				   "What it is called.\n"
				   ".It Ic more.shelves[].boards\n"
				   "(whole number, 1 to 9; default 4; taken at start)\n"
				   ".br\n"
				   "\\&'Boards' it has.\n"
				   ".It Ic more.shelves[].books\n"
				   "(list of texts; default emma dune; taken at start)\n"
				   ".br\n"
				   "Titles.\n"
				   ".El\n"));
}

static void long_help_is_wrapped(void **state)
{
	static const struct config_key key = { "k", CONFIG_BOOL,
		.help = "word word word word word word word word word word word word word word "
			"word word word word xxxx y"
			" zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
			"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz end" };
	static const struct config_table table = { &key, 1, sizeof(bool) };
	cleanup_str struct str out = { 0 };

	(void)state;
	config_print_example(&table, &out);
	assert_string_equal(str_text(&out),
		"# word word word word word word word word word word word word word word word word "
		"word word xxxx\n"
		"# y\n"
		"# zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzz\n"
		"# end\n"
		"# (true or false; taken at start)\n"
		"#k:\n");
}

/* ---- reloading ---- */

static void note_change(void *owner, const struct config_key *key, bool taken)
{
	str_addf(owner, "%s%s ", key->name, taken ? "" : "(later)");
}

static void only_what_is_reloadable_is_taken(void **state)
{
	static const struct {
		const char *before, *after, *changes;
	} cases[] = {
		{ "owner: a", "owner: a\nrooms: 3\nnotes: {}", "" },
		{ "owner: a", "owner: b", "owner(later) " },
		{ "owner: a",
			"owner: a\nlight: {on: false, wait: 1s}\nrooms: 1\nattic: 1KiB\n"
			"colour: white\nguests: [x]\nnotes: {a: 1}\nmore: {shelves: [{name: x}]}",
			"light.on light.wait rooms attic colour guests notes more.shelves " },
		{ "owner: a\nguests: [a, b]", "owner: a\nguests: [b, a]", "guests " },
		{ "owner: a\nmore: {shelves: [{name: x, boards: 1}]}",
			"owner: a\nmore: {shelves: [{name: x, boards: 2}]}", "more.shelves " },
		{ "owner: a\npath: /p\nrooms: 1", "owner: b\npath: /q\nrooms: 2",
			"owner(later) path(later) rooms " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str changes = { 0 }, before = { 0 }, after = { 0 };
		struct house current, fresh;
		int64_t old_rooms, new_rooms;

		house_parse(cases[i].before, &current);
		house_parse(cases[i].after, &fresh);
		old_rooms = current.rooms;
		new_rooms = fresh.rooms;
		config_reload(&house_table, &current, &fresh, note_change, &changes);
		assert_string_equal(str_text(&changes), cases[i].changes);
		assert_int_equal(current.rooms, new_rooms);
		assert_int_equal(fresh.rooms, old_rooms);
		assert_string_equal(current.owner, "a"); /* Needs a restart. */
		str_clear(&changes);
		config_reload(&house_table, &current, &fresh, note_change, &before);
		config_reload(&house_table, &current, &fresh, note_change, &after);
		assert_string_equal(str_text(&before), cases[i].changes); /* And back again. */
		assert_string_equal(str_text(&after), cases[i].changes);
		config_finish(&house_table, &current);
		config_finish(&house_table, &fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_reads_as_the_same),
		cmocka_unit_test(what_was_left_out_is_printed_as_null),
		cmocka_unit_test(strange_texts_come_back),
		cmocka_unit_test(other_texts_are_printed_as_they_are),
		cmocka_unit_test(the_example_explains_every_key),
		cmocka_unit_test(the_example_can_be_uncommented),
		cmocka_unit_test(the_manual_is_escaped),
		cmocka_unit_test(long_help_is_wrapped),
		cmocka_unit_test(only_what_is_reloadable_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
