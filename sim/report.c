#include "sim/report.h"

#include <math.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

#define NAME_WIDTH 34
#define VALUE_WIDTH 10

/* ---- the table ---- */

enum best {
	BEST_NONE,
	BEST_COUNT, /* None is; and it is a whole number. */
	BEST_LOW,
	BEST_HIGH,
};

/* The lines of the table; all other figures are in the JSON. */
static const struct line {
	const char *figure; /* Of score_name(). */
	const char *text;
	enum best best;
} lines[] = {
	{ "str_mean", "mean stretch", BEST_LOW },
	{ "slo_mean", "mean slowdown", BEST_LOW },
	{ "thin_slo_p95", "  thin, 95th percentile", BEST_LOW },
	{ "thin_slo_p99", "  thin, 99th percentile", BEST_LOW },
	{ "medium_slo_p99", "  medium, 99th percentile", BEST_LOW },
	{ "fat_slo_mean", "  fat, mean", BEST_LOW },
	{ "fat_wait_mean_h", "fat builds wait, mean, hours", BEST_LOW },
	{ "fat_wait_max_h", "fat builds wait, longest, hours", BEST_LOW },
	{ "ttg_mean_h", "time to green, mean, hours", BEST_LOW },
	{ "jain", "fairness between submitters (Jain)", BEST_HIGH },
	{ "util", "slots busy until the last submit", BEST_NONE },
	{ "stale_h", "stale builds started, hours", BEST_LOW },
	{ "lock_waste_h", "waited for locks, hours", BEST_LOW },
	{ "makespan_h", "first submit to last end, hours", BEST_NONE },
	{ "jobs_run", "builds that ran", BEST_COUNT },
};

static double value_of(const struct play *play, const char *figure)
{
	for (size_t i = 0; score_name(i) != NULL; i++)
		if (strcmp(score_name(i), figure) == 0)
			return score_value(&play->score, i);
	return NAN;
}

/* Of several that differ. */
static bool is_best(const struct report *report, size_t which, const struct line *line)
{
	double value = value_of(&report->plays[which], line->figure);
	bool differs = false;

	for (size_t i = 0; i < report->n; i++) {
		double other = value_of(&report->plays[i], line->figure);

		if (line->best == BEST_LOW ? other < value : other > value)
			return false;
		differs = differs || other != value;
	}
	return differs && line->best >= BEST_LOW;
}

static void add_value(struct str *out, double value, int decimals, bool is_marked)
{
	cleanup_free char *text = str_format("%.*f%s", decimals, value, is_marked ? "*" : " ");

	str_addf(out, "%*s", VALUE_WIDTH, text);
}

/* So many that three digits count. */
static int decimals_of(double value)
{
	return fabs(value) >= 100 ? 0 : fabs(value) >= 10 ? 1 : 2;
}

/* "-" for a policy that promises nothing. */
static void add_promises_line(const struct report *report, const char *text,
	double (*value)(const struct sim_result *result), struct str *out)
{
	str_addf(out, "\n%-*s", NAME_WIDTH, text);
	for (size_t i = 0; i < report->n; i++) {
		const struct sim_result *result = &report->plays[i].result;

		if (result->n_promises == 0)
			str_addf(out, "%*s", VALUE_WIDTH, "- ");
		else
			add_value(out, value(result), decimals_of(value(result)), false);
	}
}

static double percent_kept(const struct sim_result *result)
{
	return 100.0 * (double)result->n_kept / (double)result->n_promises;
}

static double hours_late(const struct sim_result *result)
{
	return (double)result->late_max_ms / 3.6e6;
}

static void add_figure(
	const struct report *report, size_t which, const struct line *line, struct str *out)
{
	double value = value_of(&report->plays[which], line->figure);

	add_value(out, value, line->best == BEST_COUNT ? 0 : decimals_of(value),
		is_best(report, which, line));
}

void report_table(const struct report *report, struct str *out)
{
	str_addf(out, "%zu build%s, %u slot%s\n\n%-*s", report->trace->n,
		report->trace->n == 1 ? "" : "s", report->farm->n_slots,
		report->farm->n_slots == 1 ? "" : "s", NAME_WIDTH, "");
	for (size_t i = 0; i < report->n; i++)
		str_addf(out, "%*s ", VALUE_WIDTH - 1, report->plays[i].policy->name);
	for (size_t k = 0; k < ARRAY_LEN(lines); k++) {
		str_addf(out, "\n%-*s", NAME_WIDTH, lines[k].text);
		for (size_t i = 0; i < report->n; i++)
			add_figure(report, i, &lines[k], out);
	}
	add_promises_line(report, "promises kept, percent", percent_kept, out);
	add_promises_line(report, "kept late by at most, hours", hours_late, out);
	str_add_char(out, '\n');
}

/* ---- for programs ---- */

static size_t n_promised_starts(const struct sim_result *result)
{
	size_t n = 0;

	for (size_t i = 0; i < result->n_ran; i++)
		n += result->builds[result->order[i]].is_promised;
	return n;
}

static void add_play(struct json_out *json, const struct play *play)
{
	const struct sim_result *result = &play->result;

	json_out_text(json, "policy", play->policy->name);
	json_out_object(json, "figures");
	for (size_t i = 0; score_name(i) != NULL; i++)
		json_out_double(json, score_name(i), score_value(&play->score, i));
	json_out_end_object(json);
	json_out_object(json, "promises");
	json_out_int(json, "made", (int64_t)result->n_promises);
	json_out_int(json, "kept", (int64_t)result->n_kept);
	json_out_int(json, "starts", (int64_t)n_promised_starts(result));
	json_out_double(json, "late_mean_seconds", result->late_mean_ms / 1000);
	json_out_double(json, "late_max_seconds", (double)result->late_max_ms / 1000);
	json_out_end_object(json);
}

void report_json(const struct report *report, bool is_compared, struct str *out)
{
	struct json_out json = { 0 };

	json_out_object(&json, NULL);
	json_out_text(&json, "trace", report->trace_name);
	json_out_int(&json, "builds", (int64_t)report->trace->n);
	json_out_int(&json, "history", (int64_t)report->trace->n_past);
	json_out_int(&json, "slots", report->farm->n_slots);
	if (!is_compared)
		add_play(&json, &report->plays[0]);
	else
		json_out_array(&json, "policies");
	for (size_t i = 0; is_compared && i < report->n; i++) {
		json_out_object(&json, NULL);
		add_play(&json, &report->plays[i]);
		json_out_end_object(&json);
	}
	if (is_compared)
		json_out_end_array(&json);
	json_out_end_object(&json);
	str_addf(out, "%s\n", str_text(&json.text));
	str_free(&json.text);
}

void report_csv(const struct report *report, struct str *out)
{
	str_add(out, "policy");
	for (size_t i = 0; score_name(i) != NULL; i++)
		str_addf(out, ",%s", score_name(i));
	str_add(out, ",promises,promises_kept,late_max_s\n");
	for (size_t k = 0; k < report->n; k++) {
		const struct play *play = &report->plays[k];

		str_add(out, play->policy->name);
		for (size_t i = 0; score_name(i) != NULL; i++)
			str_addf(out, ",%.10g", score_value(&play->score, i));
		str_addf(out, ",%zu,%zu,%.3f\n", play->result.n_promises, play->result.n_kept,
			(double)play->result.late_max_ms / 1000);
	}
}
