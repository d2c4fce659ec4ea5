#include "tests/support/sample_config.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"

static const char *const colours[] = { "white", "red", "blue", NULL };

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct config_key shelf_keys[] = {
	{ "name", CONFIG_TEXT, AT(shelf, name), .is_required = true, .example = "oak",
		.help = "What it is called." },
	{ "boards", CONFIG_INT, AT(shelf, boards), .fallback = "4", .min = 1, .max = 9,
		.help = "'Boards' it has." },
	{ "books", CONFIG_TEXTS, AT(shelf, books), .fallback = "emma dune", .help = "Titles." },
};

static const struct config_table shelf_table = { shelf_keys, ARRAY_LEN(shelf_keys),
	sizeof(struct shelf) };

static const struct config_key house_keys[] = {
	{ "owner", CONFIG_TEXT, AT(house, owner), .is_required = true, .example = "emil",
		.help = "Who lives here. A second sentence." },
	{ "path", CONFIG_PATH, AT(house, path), .fallback = "/way", .help = "The way there." },
	{ "light.on", CONFIG_BOOL, AT(house, lit), .fallback = "true", .is_reloadable = true,
		.help = "Whether it is lit." },
	{ "light.wait", CONFIG_DURATION, AT(house, wait_ms), .fallback = "10m", .min = 1000,
		.max = 86400000, .is_reloadable = true, .help = "Until it goes out." },
	{ "rooms", CONFIG_INT, AT(house, rooms), .fallback = "3", .min = -1, .max = 1024,
		.is_reloadable = true, .help = "How many rooms." },
	{ "attic", CONFIG_SIZE, AT(house, attic_bytes), .fallback = "1GiB", .min = 1024,
		.max = INT64_C(1) << 40, .is_reloadable = true, .help = "How big, in `2^10' ~." },
	{ "colour", CONFIG_CHOICE, AT(house, colour), .fallback = "red", .choices = colours,
		.is_reloadable = true, .help = "Of the walls." },
	{ "guests", CONFIG_TEXTS, AT(house, guests), .min = 1, .max = 3, .is_reloadable = true,
		.help = "Who may come." },
	{ "notes", CONFIG_JSON, AT(house, notes), .is_reloadable = true, .example = "{a: 1}",
		.help = "Anything." },
	{ "more.shelves", CONFIG_ITEMS, AT(house, shelves), .max = 2, .items = &shelf_table,
		.is_reloadable = true, .help = ".Shelves with a back\\slash - and 'quotes'." },
};

const struct config_table house_table = { house_keys, ARRAY_LEN(house_keys), sizeof(struct house) };

const char house_of_everything[] = "owner: 'emil: his'\n"
				   "path: /x\n"
				   "light: {on: false, wait: 1h30m}\n"
				   "rooms: -1\n"
				   "attic: 64K\n"
				   "colour: blue\n"
				   "guests: [a, \"b c\", 3]\n"
				   "notes: {n: 1, s: '1', l: [true, null], o: {}}\n"
				   "more:\n"
				   "  shelves:\n"
				   "    - name: x\n"
				   "    - {name: y, boards: 9, books: []}\n";

void house_parse(const char *text, struct house *out)
{
	struct err err = { 0 };

	if (config_parse(text, strlen(text), "f", &house_table, out, &err) < 0)
		fail_msg("%s", err.text);
}
