#include "client/past.h"

#include <stdlib.h>
#include <string.h>

#include "client/chart.h"
#include "client/member.h"
#include "client/text.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/time_text.h"

/* ---- one ---- */

static double number_of(const struct json *json, const char *name)
{
	double value;

	return json_double(json_get(json, name), &value) ? value : -1;
}

int past_from_json(const struct json *json, struct past *out, struct err *err)
{
	*out = (struct past){
		.build_id = member_int(json, "build", 0),
		.name = xstrdup_or_null(member_text(json, "name", NULL)),
		.set = caps_from_json(json),
		.builder = xstrdup_or_null(member_text(json, "builder", NULL)),
		.machine = xstrdup_or_null(member_text(json, "machine", NULL)),
		.outcome = xstrdup_or_null(member_text(json, "outcome", NULL)),
		.started_at = json_time(json_get(json, "started_at")),
		.finished_at = json_time(json_get(json, "finished_at")),
		.wall_s = number_of(json, "wall_seconds"),
		.core_s = number_of(json, "core_seconds"),
		.output_bytes = member_int(json, "output_bytes", -1),
	};
	if (out->name != NULL && out->set != NULL && out->builder != NULL && out->outcome != NULL &&
		out->wall_s >= 0)
		return 0;
	past_finish(out);
	return err_set(err, CAPQ_EFAILED, "what capqd says of a past build is not understood");
}

void past_finish(struct past *past)
{
	free(past->name);
	free(past->set);
	free(past->builder);
	free(past->machine);
	free(past->outcome);
	memset(past, 0, sizeof *past);
}

bool past_is_built(const struct past *past)
{
	return strcmp(past->outcome, "built") == 0;
}

/* ---- CSV ---- */

void past_csv_header(struct csv_out *out)
{
	csv_out_header(out, "started_at,finished_at,build,name,set,builder,machine,outcome,"
			    "wall_seconds,core_seconds,output_bytes");
}

static void add_time(struct csv_out *out, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	time_to_rfc3339(ms, text);
	csv_out_text(out, ms == 0 ? NULL : text);
}

void past_to_csv(const struct past *past, struct csv_out *out)
{
	add_time(out, past->started_at);
	add_time(out, past->finished_at);
	csv_out_int(out, past->build_id);
	csv_out_text(out, past->name);
	csv_out_text(out, past->set);
	csv_out_text(out, past->builder);
	csv_out_text(out, past->machine);
	csv_out_text(out, past->outcome);
	csv_out_double(out, past->wall_s, 3);
	if (past->core_s < 0)
		csv_out_text(out, NULL);
	else
		csv_out_double(out, past->core_s, 3);
	if (past->output_bytes < 0)
		csv_out_text(out, NULL);
	else
		csv_out_int(out, past->output_bytes);
	csv_out_end_row(out);
}

/* ---- charts ---- */

/* The builds of one set, the oldest first, and the durations of those that were built, sorted. */
struct series {
	const char *set;
	struct chart_point *points;
	double *built;
	size_t n, n_built;
};

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void collect(struct series *s, const struct past *items, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		const struct past *past = &items[i];

		if (strcmp(past->set, s->set) != 0)
			continue;
		s->points[s->n++] = (struct chart_point){ past->wall_s, !past_is_built(past) };
		if (past_is_built(past))
			s->built[s->n_built++] = past->wall_s;
	}
	array_sort(s->built, s->n_built, sizeof *s->built, compare_numbers);
}

static void add_seconds(struct str *out, double seconds)
{
	char text[TIME_TEXT_MAX];

	duration_to_text((int64_t)(seconds * 1000), text);
	str_add(out, text);
}

/* "12 built, 41m00s to 1h10m, median 45m12s; 1 not" */
static void add_summary(struct str *out, const struct series *s)
{
	str_addf(out, "%zu built", s->n_built);
	if (s->n_built > 1) {
		str_add(out, ", ");
		add_seconds(out, s->built[0]);
		str_add(out, " to ");
		add_seconds(out, s->built[s->n_built - 1]);
	}
	if (s->n_built > 0) {
		str_add(out, ", median ");
		add_seconds(out, (s->built[(s->n_built - 1) / 2] + s->built[s->n_built / 2]) / 2);
	}
	if (s->n > s->n_built)
		str_addf(out, "; %zu not", s->n - s->n_built);
}

#define BARS_MIN 8 /* Columns for bars, however long the rest is. */

static void add_line(
	struct str *out, const struct series *s, size_t label_width, size_t width, bool is_utf8)
{
	cleanup_str struct str line = { 0 }, summary = { 0 };
	size_t taken, bars;

	add_summary(&summary, s);
	taken = label_width + 2 + 2 + text_width(summary.text);
	bars = width > taken + BARS_MIN ? width - taken : BARS_MIN;
	text_add_left(&line, s->set, label_width);
	str_add(&line, "  ");
	chart_add(&line, s->points, s->n, bars, is_utf8);
	str_addf(&line, "  %s", summary.text);
	text_add_cut(out, line.text, width);
	str_add_char(out, '\n');
}

/* True when the set of `items[i]` has come before. */
static bool came_before(const struct past *items, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(items[k].set, items[i].set) == 0)
			return true;
	return false;
}

void past_add_chart(struct str *out, const struct past *items, size_t n, size_t width, bool is_utf8)
{
	struct series s = { .points = xcalloc(n + 1, sizeof *s.points),
		.built = xcalloc(n + 1, sizeof *s.built) };
	size_t label_width = 0;

	for (size_t i = 0; i < n; i++)
		if (strlen(items[i].set) > label_width)
			label_width = strlen(items[i].set);
	if (label_width > width / 3)
		label_width = width / 3;
	for (size_t i = 0; i < n; i++) {
		if (came_before(items, i))
			continue;
		s.set = items[i].set;
		s.n = s.n_built = 0;
		collect(&s, items, n);
		add_line(out, &s, label_width, width, is_utf8);
	}
	free(s.points);
	free(s.built);
}
