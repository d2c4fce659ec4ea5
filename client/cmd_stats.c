/* All sections are tables of the same make: what stands in which column of which is data. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/member.h"
#include "client/table.h"
#include "lib/csv_out.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/time_text.h"

#define LIMIT 20

static const struct option_spec options[] = {
	{ "section", 's', "NAME", "only history, accuracy, waits, promises or builders" },
	{ "limit", 'n', "N", "at most so many rows of history; else 20, with --csv all" },
	{ "csv", '\0', NULL, "print CSV" },
	{ "no-header", '\0', NULL, "print no titles and no names of columns" },
	{ .name = NULL },
};

enum kind {
	TEXT,
	SET, /* caps and ptx. */
	COUNT,
	SECONDS,
	FACTOR,  /* "1.25x" */
	PERCENT, /* "+12%" */
	SHARE,   /* 0 to 1: "80%" */
};

struct field {
	const char *column; /* NULL behind the last. */
	const char *member; /* In JSON and CSV. */
	enum kind kind;
};

static const struct field history[] = {
	{ "PACKAGE", "package", TEXT },
	{ "SYSTEM", "system", TEXT },
	{ "CAPS", "set", SET },
	{ "N", "n", COUNT },
	{ "FAILED", "failed", COUNT },
	{ "MEDIAN", "median_seconds", SECONDS },
	{ "P90", "p90_seconds", SECONDS },
	{ "TREND", "trend_percent", PERCENT },
	{ "TOTAL", "total_seconds", SECONDS },
	{ .column = NULL },
};

static const struct field accuracy[] = {
	{ "BY", "by", TEXT },
	{ "NAME", "name", TEXT },
	{ "N", "n", COUNT },
	{ "MEDIAN", "median_factor", FACTOR },
	{ "P90", "p90_factor", FACTOR },
	{ "WITHIN", "within", SHARE },
	{ "OVER", "over", SHARE },
	{ .column = NULL },
};

static const struct field waits[] = {
	{ "CLASS", "class", TEXT },
	{ "N", "n", COUNT },
	{ "WAIT", "wait_median_seconds", SECONDS },
	{ "P90", "wait_p90_seconds", SECONDS },
	{ "MAX", "wait_max_seconds", SECONDS },
	{ "SLOWDOWN", "slowdown_mean", FACTOR },
	{ "MEDIAN", "slowdown_median", FACTOR },
	{ "P90", "slowdown_p90", FACTOR },
	{ "MAX", "slowdown_max", FACTOR },
	{ .column = NULL },
};

static const struct field promises[] = {
	{ "CLASS", "class", TEXT },
	{ "MADE", "made", COUNT },
	{ "KEPT", "kept", COUNT },
	{ "LATE", "late", COUNT },
	{ "GONE", "gone", COUNT },
	{ "OPEN", "open", COUNT },
	{ "OVERDUE", "overdue", COUNT },
	{ "LATE-BY", "late_median_seconds", SECONDS },
	{ "P90", "late_p90_seconds", SECONDS },
	{ "MAX", "late_max_seconds", SECONDS },
	{ .column = NULL },
};

static const struct field builders[] = {
	{ "BUILDER", "name", TEXT },
	{ "SPEED", "speed", COUNT },
	{ "N", "n", COUNT },
	{ "TAKES", "factor", FACTOR },
	{ "LEARNT-SPEED", "learnt_speed", COUNT },
	{ .column = NULL },
};

static const struct section {
	const char *name, *title;
	const struct field *fields;
} sections[] = {
	{ "history", "What builds took, those first that took the longest in all:", history },
	{ "accuracy", "By what factor estimates were wrong:", accuracy },
	{ "waits", "How long jobs waited for their builds to begin, and how that slowed them down:",
		waits },
	{ "promises", "Promises of when builds begin:", promises },
	{ "builders", "How much longer builders take than their speed says:", builders },
};

#define FIELDS_MAX 16

/* ---- tables ---- */

static void add_number(struct table *table, enum kind kind, double value)
{
	char text[64];

	switch (kind) {
	case SECONDS:
		duration_to_text((int64_t)(value * 1000), text);
		break;
	case FACTOR:
		(void)snprintf(text, sizeof text, "%.2fx", value);
		break;
	case PERCENT:
		(void)snprintf(text, sizeof text, "%+.0f%%", value);
		break;
	case SHARE:
		(void)snprintf(text, sizeof text, "%.0f%%", 100 * value);
		break;
	default:
		(void)snprintf(text, sizeof text, "%.0f", value);
		break;
	}
	table_text(table, text);
}

static void add_cell(struct table *table, const struct field *field, const struct json *row)
{
	cleanup_free char *set = NULL;
	double value;

	if (field->kind == TEXT) {
		table_text(table, member_text(row, field->member, NULL));
	} else if (field->kind == SET) {
		set = caps_from_json(row);
		table_text(table, set);
	} else if (json_double(json_get(row, field->member), &value)) {
		add_number(table, field->kind, value);
	} else {
		table_text(table, NULL);
	}
}

static struct table *begin_table(const struct client *client, const struct section *section)
{
	static struct column columns[FIELDS_MAX + 1];
	size_t n = 0;

	for (const struct field *f = section->fields; f->column != NULL && n < FIELDS_MAX; f++)
		columns[n++] = (struct column){ .name = f->column,
			.is_number = f->kind != TEXT && f->kind != SET,
			.may_be_cut = f->kind == TEXT || f->kind == SET };
	columns[n] = (struct column){ .name = NULL };
	return table_create(&client->output, columns, option_given(&client->options, "no-header"));
}

static void print_table(struct client *client, const struct section *section,
	const struct json *stats, int64_t limit)
{
	const struct json *rows = json_get(stats, section->name);
	struct table *table;

	if (!option_given(&client->options, "no-header"))
		output_coloured(&client->output, BOLD, "%s\n", section->title);
	table = begin_table(client, section);
	for (const struct json *v = json_first(rows); v != NULL && limit > 0; v = json_next(v)) {
		for (const struct field *f = section->fields; f->column != NULL; f++)
			add_cell(table, f, v);
		table_end_row(table);
		limit--;
	}
	table_print(table);
	table_destroy(table);
}

/* ---- CSV ---- */

static void add_csv_field(struct csv_out *out, const struct field *field, const struct json *row)
{
	const struct json *value = json_get(row, field->member);
	cleanup_free char *set = NULL;
	double number;

	if (field->kind == TEXT) {
		csv_out_text(out, json_text(value));
	} else if (field->kind == SET) {
		set = caps_from_json(row);
		csv_out_text(out, set);
	} else if (json_double(value, &number)) {
		csv_out_double(out, number, 3);
	} else {
		csv_out_text(out, NULL);
	}
}

static void print_csv(struct client *client, const struct section *section,
	const struct json *stats, int64_t limit)
{
	const struct json *rows = json_get(stats, section->name);
	struct csv_out out = { 0 };

	if (!option_given(&client->options, "no-header")) {
		for (const struct field *f = section->fields; f->column != NULL; f++)
			csv_out_text(&out, f->member);
		csv_out_end_row(&out);
	}
	for (const struct json *v = json_first(rows); v != NULL && limit > 0; v = json_next(v)) {
		for (const struct field *f = section->fields; f->column != NULL; f++)
			add_csv_field(&out, f, v);
		csv_out_end_row(&out);
		limit--;
	}
	output_printf("%s", str_text(&out.text));
	str_free(&out.text);
}

/* ---- the command ---- */

/* `*out` is NULL when none was named: all are meant. */
static int find_section(const char *name, const struct section **out, struct err *err)
{
	*out = NULL;
	if (name == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			*out = &sections[i];
	if (*out == NULL)
		return err_set(err, CAPQ_EINVAL,
			"no section '%.40s'; there are history, accuracy, waits, promises and "
			"builders",
			name);
	return 0;
}

static void print(struct client *client, const struct section *only, const struct json *stats,
	bool is_csv, int64_t limit)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct section *section = &sections[i];
		int64_t rows = section->fields == history ? limit : INT64_MAX;

		if (only != NULL && section != only)
			continue;
		if (only == NULL && i > 0)
			output_printf("\n");
		if (is_csv)
			print_csv(client, section, stats, rows);
		else
			print_table(client, section, stats, rows);
	}
}

static void print_json(const struct section *only, const struct json *stats)
{
	output_json(only == NULL ? stats : json_get(stats, only->name));
}

static int run(struct client *client, struct err *err)
{
	bool is_csv = option_given(&client->options, "csv");
	cleanup_json struct json *stats = NULL;
	const struct section *only = NULL;
	int64_t limit;
	int rv = option_int(
		&client->options, "limit", 1, INT64_MAX, is_csv ? INT64_MAX : LIMIT, &limit, err);

	if (rv == 0)
		rv = find_section(option_text(&client->options, "section"), &only, err);
	if (rv == 0 && client->output.is_json && is_csv)
		rv = err_set(err, CAPQ_EINVAL, "--json or --csv, not both");
	if (rv == 0)
		rv = api_get(client->api, &stats, err, "/stats");
	if (rv < 0)
		return rv;
	if (client->output.is_json)
		print_json(only, stats);
	else
		print(client, only, stats, is_csv, limit);
	return 0;
}

const struct command cmd_stats = {
	.name = "stats",
	.arguments = "",
	.summary = "Say what builds took, how good estimates were, how jobs waited",
	.details = "Of the newest 50,000 builds and jobs of each state; the sums are made anew\n"
		   "after a minute. Five sections: what builds took by package and capability\n"
		   "set, TREND being how the last third compares with the first; by what factor\n"
		   "the estimates at which builds were started were wrong, WITHIN being how many\n"
		   "were between p10 and p90 (80% is right), OVER how many took longer than the\n"
		   "median (50% is right); waits and slowdowns; promises; and how builders\n"
		   "compare, TAKES being how many times longer than their speed says, and\n"
		   "LEARNT-SPEED what builders[].speed should be. Jobs for one capability are\n"
		   "thin, those for several are fat. With --csv, sections are separated by an\n"
		   "empty line.\n",
	.examples = "capq stats\n"
		    "capq stats --section accuracy\n"
		    "capq stats --section history --csv > history.csv\n",
	.options = options,
	.run = run,
};
