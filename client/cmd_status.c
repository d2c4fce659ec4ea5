#include <inttypes.h>

#include "client/client.h"
#include "client/job_row.h"
#include "client/member.h"
#include "client/now.h"
#include "client/pages.h"
#include "client/record.h"
#include "client/table.h"
#include "lib/job_json.h"
#include "lib/time_text.h"

#define LIMIT 20

static const struct option_spec options[] = {
	{ "limit", 'n', "N", "show at most so many live jobs; else 20" },
	{ "start", '\0', NULL, "show when jobs are expected to start and to be done" },
	{ "no-header", '\0', NULL, "print no names of columns" },
	{ .name = NULL },
};

static const struct column columns[] = {
	JOB_COLUMNS,
	{ .name = "PHASE" },
	{ .name = "ELAPSED", .is_number = true },
	{ .name = "WAITS-FOR", .may_be_cut = true },
	{ .name = NULL },
};

static const struct column start_columns[] = {
	JOB_COLUMNS,
	{ .name = "START" },
	{ .name = "DONE" },
	{ .name = "DONE-P90" },
	{ .name = "WAITS-FOR", .may_be_cut = true },
	{ .name = NULL },
};

/* "3 waiting, 120 done": an object of state -> number, without the zeros. */
static void print_counts(const struct output *output, const char *name, const struct json *counts)
{
	cleanup_str struct str text = { 0 };
	int64_t n;

	for (const struct json *v = json_first(counts); v != NULL; v = json_next(v))
		if (json_int(v, &n) && n > 0)
			str_addf(&text, "%s%" PRId64 " %s", text.len > 0 ? ", " : "", n,
				json_name(v));
	output_field(output, name, "%s", text.len > 0 ? text.text : "none");
}

/* "local 2/2, gpu0 0/8 (fetching 1/4)" */
static void print_builders(const struct output *output, const struct json *builders)
{
	cleanup_str struct str text = { 0 };

	for (const struct json *v = json_first(builders); v != NULL; v = json_next(v)) {
		int64_t fetching = member_int(v, "fetching", 0);

		str_addf(&text, "%s%s %" PRId64 "/%" PRId64, text.len > 0 ? ", " : "",
			member_text(v, "name", "?"), member_int(v, "running", 0),
			member_int(v, "max_jobs", 0));
		if (fetching > 0)
			str_addf(&text, " (fetching %" PRId64 "/%" PRId64 ")", fetching,
				member_int(v, "fetch_jobs", 0));
	}
	output_field(output, "builders", "%s", text.len > 0 ? text.text : "none");
}

/* "https://..., fetched 3m12s ago; master 1a2b3c4, nixos-unstable 5d6e7f8" */
static void print_nixpkgs(const struct output *output, const struct json *nixpkgs)
{
	cleanup_str struct str text = { 0 };
	const char *source = member_text(nixpkgs, "source", NULL);
	const char *separator = "; ";
	int64_t fetched_at = json_time(json_get(nixpkgs, "fetched_at"));
	int64_t fetching_since = json_time(json_get(nixpkgs, "fetching_since"));
	char ago[TIME_TEXT_MAX];

	if (source == NULL)
		return;
	str_add(&text, source);
	if (fetched_at != 0) {
		duration_to_text(wall_ms() - fetched_at, ago);
		str_addf(&text, ", fetched %s ago", ago);
	}
	if (fetched_at == 0 && fetching_since != 0) {
		duration_to_text(wall_ms() - fetching_since, ago);
		str_addf(&text, ", being cloned for the first time, since %s", ago);
	}
	for (const struct json *v = json_first(json_get(nixpkgs, "branches")); v;
		v = json_next(v)) {
		str_addf(&text, "%s%s ", separator, member_text(v, "name", "?"));
		rev_add_short(&text, member_text(v, "rev", "unknown"));
		separator = ", ";
	}
	output_field(output, "nixpkgs", "%s", text.text);
}

/* "builds estimated at more than 1h30m" */
static void print_long(const struct output *output, const struct json *status)
{
	char text[TIME_TEXT_MAX];
	double seconds;

	if (!json_double(json_get(status, "long_seconds"), &seconds))
		return;
	duration_to_text((int64_t)(seconds * 1000), text);
	output_field(output, "long", "builds estimated at more than %s", text);
}

static void print_problem(const struct output *output, const char *text)
{
	if (text != NULL)
		output_field(output, "problem", "%s", text);
}

static void print_summary(const struct output *output, const struct json *status)
{
	const struct json *nixpkgs = json_get(status, "nixpkgs");

	print_counts(output, "jobs", json_get(status, "jobs"));
	print_counts(output, "builds", json_get(status, "builds"));
	print_builders(output, json_get(status, "builders"));
	print_long(output, status);
	output_field(output, "besides", "%" PRId64 " evaluating, %" PRId64 " pushing",
		member_int(status, "evaluating", 0), member_int(status, "pushing", 0));
	output_field(
		output, "cache", "%s", member_text(status, "cache", "none: nothing is pushed"));
	print_nixpkgs(output, nixpkgs);
	if (member_bool(status, "draining"))
		output_field(output, "draining", "nothing new starts (capq drain --off)");
	print_problem(output, member_text(nixpkgs, "problem", NULL));
	for (const struct json *v = json_first(json_get(status, "problems")); v; v = json_next(v))
		print_problem(output, json_text(v));
}

static void add_row(struct table *table, const struct record *record, int64_t now_ms)
{
	char elapsed[TIME_TEXT_MAX];

	duration_to_text(record_elapsed_ms(record, now_ms), elapsed);
	job_row_begin(table, &record->job);
	table_text(table, record_phase(record));
	table_text(table, elapsed);
	table_text(table, record->waits_for);
	table_end_row(table);
}

static void add_clock(struct table *table, int64_t ms, int64_t now_ms)
{
	char text[TIME_TEXT_MAX] = "";

	if (ms != 0)
		time_to_clock(ms, now_ms, text);
	table_text(table, text);
}

static void add_start_row(struct table *table, const struct record *record, int64_t now_ms)
{
	job_row_begin(table, &record->job);
	add_clock(table, record->eta.start_p50, now_ms);
	add_clock(table, record->eta.done_p50, now_ms);
	add_clock(table, record->eta.done_p90, now_ms);
	table_text(table, record->waits_for);
	table_end_row(table);
}

static int print_live(struct client *client, int64_t limit, struct err *err)
{
	bool shows_start = option_given(&client->options, "start");
	struct table *table = table_create(&client->output, shows_start ? start_columns : columns,
		option_given(&client->options, "no-header"));
	const struct json *json;
	struct pages pages;
	int64_t now = wall_ms();
	bool is_empty = true;
	int rv;

	pages_init(&pages, client->api, "/jobs", "jobs", limit);
	pages_filter(&pages, "state", "live");
	while ((rv = pages_next(&pages, &json, err)) > 0) {
		struct record record;

		rv = record_from_json(json, now, &record, err);
		if (rv < 0)
			break;
		if (is_empty)
			output_printf("\n");
		is_empty = false;
		if (shows_start)
			add_start_row(table, &record, now);
		else
			add_row(table, &record, now);
		record_finish(&record);
	}
	if (rv == 0 && !is_empty)
		table_print(table);
	table_destroy(table);
	if (rv == 0 && pages_has_more(&pages))
		output_note("capq: there are more; see --limit, or capq list --state live\n");
	pages_finish(&pages);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	cleanup_json struct json *status = NULL;
	int64_t limit;
	int rv = option_int(&client->options, "limit", 1, INT64_MAX, LIMIT, &limit, err);

	if (rv == 0)
		rv = api_get(client->api, &status, err, "/status");
	if (rv < 0)
		return rv;
	if (client->output.is_json) {
		output_json(status);
		return 0;
	}
	print_summary(&client->output, status);
	return print_live(client, limit, err);
}

const struct command cmd_status = {
	.name = "status",
	.arguments = "",
	.summary = "Say how much there is of everything, and what runs",
	.details =
		"First the sums: jobs and builds by state, the slots of each builder in\n"
		"use, what counts as a long build now (half of all slot time of late went\n"
		"into longer ones), and what keeps capqd from working, if anything does. Then the live\n"
		"jobs. ELAPSED is how long the build that runs for a job has taken, or else\n"
		"how long ago it was submitted. With --start, the times at which they are\n"
		"expected to start and to be done, as likely as not, and the one by which\n"
		"they are done nine times out of ten; made by playing the queue forward with\n"
		"what builds cost before. With --json, the sums only;\n"
		"`capq list --state live --json` has the jobs.\n",
	.examples = "capq status\n"
		    "capq status --start\n"
		    "capq status --limit 100\n",
	.options = options,
	.run = run,
};
