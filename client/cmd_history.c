#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/client.h"
#include "client/pages.h"
#include "client/past.h"
#include "client/table.h"
#include "lib/mem.h"
#include "lib/screen.h"
#include "lib/time_text.h"

#define LIMIT 50

static const struct option_spec options[] = {
	{ "caps", 'c', "SET", "of this capability set only" },
	{ "system", '\0', "SYSTEM", "of this system; else of the first that is configured" },
	{ "limit", 'n', "N", "at most so many, the newest; else 50" },
	{ "csv", '\0', NULL, "print CSV" },
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

static const struct column columns[] = {
	{ .name = "BUILD", .is_number = true },
	{ .name = "STARTED" },
	{ .name = "NAME", .may_be_cut = true },
	{ .name = "CAPS", .may_be_cut = true },
	{ .name = "BUILDER", .may_be_cut = true },
	{ .name = "WALL", .is_number = true },
	{ .name = "CORES", .is_number = true },
	{ .name = "SIZE", .is_number = true },
	{ .name = "OUTCOME" },
	{ .name = NULL },
};

struct list {
	struct past *items; /* Newest first. */
	size_t n, capacity;
};

static void list_finish(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		past_finish(&list->items[i]);
	free(list->items);
}

static int read_all(struct pages *pages, struct list *list, struct err *err)
{
	const struct json *json;
	int rv;

	while ((rv = pages_next(pages, &json, err)) > 0) {
		array_reserve(&list->items, &list->capacity, list->n + 1, sizeof *list->items);
		rv = past_from_json(json, &list->items[list->n], err);
		if (rv < 0)
			return rv;
		list->n++;
	}
	return rv;
}

static void add_cores(struct table *table, const struct past *past)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%.1f", past->core_s / past->wall_s);
	table_text(table, past->core_s < 0 || past->wall_s <= 0 ? NULL : text);
}

/* "2026-11-01 04:00", in UTC. */
static void add_minute(struct table *table, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	time_to_rfc3339(ms, text);
	text[10] = ' ';
	text[16] = '\0';
	table_text(table, text);
}

static void add_row(struct table *table, const struct past *past)
{
	char text[TIME_TEXT_MAX];

	table_int(table, past->build_id);
	add_minute(table, past->started_at);
	table_text(table, past->name);
	table_text(table, past->set);
	table_text(table, past->machine != NULL ? past->machine : past->builder);
	duration_to_text((int64_t)(past->wall_s * 1000), text);
	table_text(table, text);
	add_cores(table, past);
	size_to_text(past->output_bytes, text);
	table_text(table, past->output_bytes < 0 ? NULL : text);
	table_coloured(table, past_is_built(past) ? GREEN : RED, past->outcome);
	table_end_row(table);
}

static void print_table(const struct client *client, const struct list *list)
{
	struct table *table =
		table_create(&client->output, columns, option_given(&client->options, "no-header"));

	for (size_t i = 0; i < list->n; i++)
		add_row(table, &list->items[i]);
	table_print(table);
	table_destroy(table);
}

/* Below the table, where it is seen. */
static void print_chart(const struct output *output, const struct list *list)
{
	cleanup_str struct str text = { 0 };
	size_t width, height;

	if (!output->is_terminal || list->n == 0)
		return;
	screen_size(STDOUT_FILENO, &width, &height);
	past_add_chart(&text, list->items, list->n, width, output->is_utf8);
	output_printf("\n");
	output_coloured(output, CYAN, "%s", text.text);
}

static void print_csv(const struct client *client, const struct list *list)
{
	struct csv_out out = { 0 };

	if (!option_given(&client->options, "no-header"))
		past_csv_header(&out);
	for (size_t i = 0; i < list->n; i++)
		past_to_csv(&list->items[i], &out);
	output_printf("%s", str_text(&out.text));
	str_free(&out.text);
}

static int print(struct client *client, struct pages *pages, struct err *err)
{
	struct list list = { 0 };
	int rv = read_all(pages, &list, err);

	if (rv == 0 && option_given(&client->options, "csv")) {
		print_csv(client, &list);
	} else if (rv == 0) {
		print_table(client, &list);
		print_chart(&client->output, &list);
		if (list.n == 0)
			output_note("capq: nothing like '%s' was built yet\n",
				client->options.operands[0]);
		if (pages_has_more(pages))
			output_note("capq: there are more; see --limit\n");
	}
	list_finish(&list);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	struct pages pages;
	int64_t limit;
	int rv = option_int(&client->options, "limit", 1, INT64_MAX, LIMIT, &limit, err);

	if (rv < 0)
		return rv;
	if (client->output.is_json && option_given(&client->options, "csv"))
		return err_set(err, CAPQ_EINVAL, "--json or --csv, not both");
	pages_init(&pages, client->api, "/history", "history", limit);
	pages_filter(&pages, "attr", client->options.operands[0]);
	pages_filter(&pages, "caps", option_text(&client->options, "caps"));
	pages_filter(&pages, "system", option_text(&client->options, "system"));
	if (client->output.is_json)
		rv = pages_print_json(&pages, &client->output, err);
	else
		rv = print(client, &pages, err);
	pages_finish(&pages);
	return rv;
}

const struct command cmd_history = {
	.name = "history",
	.arguments = "ATTR",
	.summary = "Show what builds of a package have cost",
	.details =
		"Newest first: when (in UTC), how long, on how many cores, and how large the\n"
		"outputs are. ATTR is an attribute path, or the name of the package itself. On a\n"
		"terminal, a line of bars for each capability set follows, the oldest build\n"
		"first, drawn from 0 to the longest; an x is a build that failed or was\n"
		"interrupted.\n",
	.examples = "capq history python3Packages.torch\n"
		    "capq history python3Packages.torch --caps 8.6 --limit 500 --csv\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
