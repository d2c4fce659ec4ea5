#include "client/client.h"
#include "client/job_row.h"
#include "client/now.h"
#include "client/pages.h"
#include "client/record.h"
#include "client/selector.h"
#include "client/table.h"
#include "lib/time_text.h"

#define LIMIT 50

static const struct option_spec options[] = {
	{ "state", 's', "STATE",
		"in one of these states, separated by commas; live: not finished" },
	{ "attr", 'a', "ATTR", "of this package" },
	{ "caps", 'c', "SET", "for this capability set" },
	{ "rev", 'r', "REV", "of this commit; 4 digits of it are enough" },
	{ "flavour", '\0', "NAME", "of this flavour" },
	{ "system", '\0', "SYSTEM", "for this system" },
	{ "limit", 'n', "N", "at most so many; else 50" },
	{ "all", '\0', NULL, "all there are" },
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

static const struct column columns[] = {
	JOB_COLUMNS,
	{ .name = "AGE", .is_number = true },
	{ .name = "NOTE", .may_be_cut = true },
	{ .name = NULL },
};

static void add_row(struct table *table, const struct record *record, int64_t now_ms)
{
	cleanup_str struct str note = { 0 };
	char age[TIME_TEXT_MAX];

	record_add_note(&note, record);
	duration_to_text(now_ms - record->job.submitted_at, age);
	job_row_begin(table, &record->job);
	table_text(table, age);
	table_text(table, str_text(&note));
	table_end_row(table);
}

static int print_table(struct client *client, struct pages *pages, struct err *err)
{
	struct table *table =
		table_create(&client->output, columns, option_given(&client->options, "no-header"));
	const struct json *json;
	int64_t now = wall_ms();
	int rv;

	while ((rv = pages_next(pages, &json, err)) > 0) {
		struct record record;

		rv = record_from_json(json, now, &record, err);
		if (rv < 0)
			break;
		add_row(table, &record, now);
		record_finish(&record);
	}
	if (rv == 0)
		table_print(table);
	table_destroy(table);
	if (rv == 0 && pages_has_more(pages))
		output_note("capq: there are more; see --all and --limit\n");
	return rv;
}

/* The API compares texts, so they are made canonical here. */
static int add_filters(const struct options *given, struct pages *pages, struct err *err)
{
	const char *attr = option_text(given, "attr"), *caps = option_text(given, "caps");
	struct attr_path path;
	struct capability_set set;
	char text[2 * ATTR_PATH_TEXT_MAX];

	pages_filter(pages, "state", option_text(given, "state"));
	if (attr != NULL) {
		if (attr_path_parse(attr, &path, err) < 0)
			return CAPQ_EINVAL;
		attr_path_format(&path, text);
		pages_filter(pages, "attr", text);
	}
	if (caps != NULL) {
		if (capability_set_parse(caps, &set, err) < 0)
			return CAPQ_EINVAL;
		capability_set_format(&set, text);
		pages_filter(pages, "caps", text);
	}
	if (option_text(given, "rev") != NULL &&
		selector_check_rev(option_text(given, "rev"), err) < 0)
		return CAPQ_EINVAL;
	pages_filter(pages, "rev", option_text(given, "rev"));
	pages_filter(pages, "flavour", option_text(given, "flavour"));
	pages_filter(pages, "system", option_text(given, "system"));
	return 0;
}

static int run(struct client *client, struct err *err)
{
	bool all = option_given(&client->options, "all");
	struct pages pages;
	int64_t limit;
	int rv = option_int(
		&client->options, "limit", 1, INT64_MAX, all ? INT64_MAX : LIMIT, &limit, err);

	if (rv < 0)
		return rv;
	pages_init(&pages, client->api, "/jobs", "jobs", limit);
	rv = add_filters(&client->options, &pages, err);
	if (rv == 0)
		rv = client->output.is_json ? pages_print_json(&pages, &client->output, err)
					    : print_table(client, &pages, err);
	pages_finish(&pages);
	return rv;
}

const struct command cmd_list = {
	.name = "list",
	.arguments = "",
	.summary = "List jobs, newest first",
	.details = "On a terminal a table that fits its width; elsewhere one job a line with a\n"
		   "tab between the columns, and their names first unless --no-header says\n"
		   "otherwise. NOTE is what a job waits for, what runs for it, or why it is as\n"
		   "it is.\n",
	.examples = "capq list --state live\n"
		    "capq list --attr python3Packages.torch --caps 8.6\n"
		    "capq list --state failed --all --json\n",
	.options = options,
	.run = run,
};
