#include <inttypes.h>

#include "client/client.h"
#include "client/now.h"
#include "client/pages.h"
#include "client/record.h"
#include "client/select.h"
#include "client/table.h"
#include "lib/time_text.h"

#define LIMIT 50

static const struct option_spec options[] = {
	{ "state", 's', "STATE",
		"without JOB: in one of these states, separated by commas; else live" },
	{ "limit", 'n', "N", "without JOB: at most so many; else 50" },
	{ "all", '\0', NULL, "without JOB: all there are" },
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

static const struct column columns[] = {
	{ .name = "BUILD", .is_number = true },
	{ .name = "NAME", .may_be_cut = true },
	{ .name = "KIND" },
	{ .name = "STATE" },
	{ .name = "BUILDER" },
	{ .name = "ATTEMPTS", .is_number = true },
	{ .name = "TOOK", .is_number = true },
	{ .name = "NOTE", .may_be_cut = true },
	{ .name = NULL },
};

static void add_took(struct table *table, const struct build *build, int64_t now_ms)
{
	int64_t end_ms = build->finished_at > 0 ? build->finished_at : now_ms;
	char took[TIME_TEXT_MAX];

	duration_to_text(end_ms - build->started_at, took);
	table_text(table, build->started_at > 0 ? took : NULL);
}

static int add_row(struct table *table, const struct json *json, int64_t now_ms, struct err *err)
{
	struct progress progress;
	struct build build;
	int rv = build_from_answer(json, &build, err);

	if (rv < 0)
		return rv;
	progress_from_json(json_get(json, "progress"), &progress);
	table_int(table, build.id);
	table_text(table, build.name);
	table_text(table, build.is_fetch ? "fetch" : "build");
	table_coloured(table, build_state_colour(build.state), build_state_name(build.state));
	table_text(table, build.builder);
	table_int(table, build.attempts);
	add_took(table, &build, now_ms);
	table_text(table, progress.last_line != NULL ? progress.last_line : build.reason);
	table_end_row(table);
	progress_finish(&progress);
	build_finish(&build);
	return 0;
}

static int print_live(struct client *client, struct err *err)
{
	const char *state = option_text(&client->options, "state");
	bool all = option_given(&client->options, "all");
	const struct json *json;
	struct pages pages;
	struct table *table;
	int64_t limit;
	int rv = option_int(
		&client->options, "limit", 1, INT64_MAX, all ? INT64_MAX : LIMIT, &limit, err);

	if (rv < 0)
		return rv;
	pages_init(&pages, client->api, "/builds", "builds", limit);
	pages_filter(&pages, "state", state == NULL ? "live" : state);
	if (client->output.is_json) {
		rv = pages_print_json(&pages, &client->output, err);
		pages_finish(&pages);
		return rv;
	}
	table = table_create(&client->output, columns, option_given(&client->options, "no-header"));
	while ((rv = pages_next(&pages, &json, err)) > 0) {
		rv = add_row(table, json, wall_ms(), err);
		if (rv < 0)
			break;
	}
	if (rv == 0)
		table_print(table);
	table_destroy(table);
	if (rv == 0 && pages_has_more(&pages))
		output_note("capq: there are more; see --all and --limit\n");
	pages_finish(&pages);
	return rv;
}

static int print_of_job(struct client *client, const char *text, struct err *err)
{
	cleanup_json struct json *json = NULL;
	struct table *table;
	int64_t id;
	int rv = select_job(client->api, text, &id, err);

	if (rv == 0)
		rv = api_get(client->api, &json, err, "/jobs/%" PRId64 "/builds", id);
	if (rv < 0)
		return rv;
	if (client->output.is_json) {
		output_json(json_get(json, "builds"));
		return 0;
	}
	table = table_create(&client->output, columns, option_given(&client->options, "no-header"));
	for (const struct json *v = json_first(json_get(json, "builds")); v != NULL && rv == 0;
		v = json_next(v))
		rv = add_row(table, v, wall_ms(), err);
	if (rv == 0)
		table_print(table);
	table_destroy(table);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	if (client->options.n_operands == 0)
		return print_live(client, err);
	return print_of_job(client, client->options.operands[0], err);
}

const struct command cmd_builds = {
	.name = "builds",
	.arguments = "[JOB]",
	.summary = "List the builds of a job, or all live ones",
	.details = "A build is one derivation that is built, once, for every job that needs\n"
		   "it. Those of a job come in the order in which they are needed. The log of\n"
		   "one is had with `capq log build:ID`.\n",
	.examples = "capq builds 17\n"
		    "capq builds --state building,ready\n",
	.options = options,
	.max_operands = 1,
	.run = run,
};
