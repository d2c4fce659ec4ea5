#include "sim/svg.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/time_text.h"

/* Lengths are in pixels. */
#define LEFT 64.0
#define PLOT_WIDTH 1100.0
#define WIDTH (LEFT + PLOT_WIDTH + 24)
#define HEAD 44.0
#define TITLE 30.0
#define LANES 280.0 /* Of all slots together, unless a lane would be higher than LANE_MAX. */
#define LANE_MAX 22.0
#define GAP 18.0
#define WAITS 140.0
#define AXIS 34.0
#define HOVER_WIDTH 1.5 /* What is wider is a shape of its own, and says what it is. */

#define MINUTE_MS 60000
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (INT64_C(24) * HOUR_MS)
#define TICKS_MAX 16

struct drawing {
	const struct report *report;
	struct yardstick yardstick;
	int64_t begin_ms, end_ms;
	double lane; /* Its height. */
	double wait_max_ms;
	struct str *out;
};

static const char head[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
	"font-family=\"system-ui,sans-serif\" font-size=\"12\">\n";

/* Okabe and Ito's colours, told apart by everybody; darker ones on white. No variables: many
 * programs that draw SVG know none. */
static const char style[] =
	"<style>\n"
	".paper { fill: #ffffff; } text { fill: #24292f; } .lane { fill: #f3f5f7; }\n"
	".grid { stroke: #d0d7de; fill: none; }\n"
	".thin { fill: #3b9bd4; } .medium { fill: #d98e00; } .fat { fill: #b8321e; }\n"
	".promised { stroke: #24292f; stroke-width: 1.6; }\n"
	".title { font-size: 15px; font-weight: 600; }\n"
	".end { text-anchor: end; } .middle { text-anchor: middle; }\n"
	".dots { fill: none; stroke-width: 2.6; stroke-linecap: round; stroke-opacity: .55; }\n"
	".dots.thin { stroke: #3b9bd4; } .dots.medium { stroke: #d98e00; }\n"
	".dots.fat { stroke: #b8321e; }\n"
	"@media (prefers-color-scheme: dark) {\n"
	".paper { fill: #0d1117; } text { fill: #e6edf3; } .lane { fill: #161b22; }\n"
	".grid { stroke: #3d444d; }\n"
	".thin { fill: #56b4e9; } .medium { fill: #e69f00; } .fat { fill: #ff6b4a; }\n"
	".promised { stroke: #e6edf3; }\n"
	".dots { fill: none; }\n"
	".dots.thin { stroke: #56b4e9; } .dots.medium { stroke: #e69f00; }\n"
	".dots.fat { stroke: #ff6b4a; } }\n"
	"</style>\n";

/* ---- text ---- */

/* U+FFFE and U+FFFF, which are no characters. */
static bool is_no_character(const char *c)
{
	return (unsigned char)c[0] == 0xef && (unsigned char)c[1] == 0xbf &&
	       (unsigned char)c[2] >= 0xbe;
}

void svg_add_text(struct str *out, const char *text)
{
	cleanup_str struct str clean = { 0 };

	str_add_utf8(&clean, text, strlen(text));
	for (const char *c = str_text(&clean); *c != '\0'; c++) {
		if (*c == '&')
			str_add(out, "&amp;");
		else if (*c == '<')
			str_add(out, "&lt;");
		else if (*c == '>')
			str_add(out, "&gt;");
		else if (*c == '"')
			str_add(out, "&quot;");
		else if ((unsigned char)*c < ' ')
			str_add_char(out, ' ');
		else if (is_no_character(c))
			c += 2;
		else
			str_add_char(out, *c);
	}
}

static void add_label(struct drawing *d, double x, double y, const char *class, const char *text)
{
	str_addf(d->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	svg_add_text(d->out, text);
	str_add(d->out, "</text>\n");
}

/* ---- the time axis ---- */

static double x_of(const struct drawing *d, int64_t at_ms)
{
	return LEFT +
	       PLOT_WIDTH * (double)(at_ms - d->begin_ms) / (double)(d->end_ms - d->begin_ms);
}

/* Days, or hours of what is short, so that there are not too many. */
static int64_t tick_ms(const struct drawing *d)
{
	static const int64_t steps_ms[] = { MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS,
		2 * DAY_MS, 5 * DAY_MS, 10 * DAY_MS, 20 * DAY_MS, 50 * DAY_MS };
	int64_t span_ms = d->end_ms - d->begin_ms;

	for (size_t i = 0; i < ARRAY_LEN(steps_ms); i++)
		if (span_ms / steps_ms[i] <= TICKS_MAX)
			return steps_ms[i];
	return span_ms / TICKS_MAX;
}

/* The first one at or behind the begin. */
static int64_t first_tick_ms(const struct drawing *d, int64_t step_ms)
{
	int64_t at_ms = d->begin_ms / step_ms * step_ms;

	return at_ms < d->begin_ms ? at_ms + step_ms : at_ms;
}

static void draw_axis(struct drawing *d, double top, double bottom)
{
	int64_t step_ms = tick_ms(d);

	for (int64_t at_ms = first_tick_ms(d, step_ms); at_ms <= d->end_ms; at_ms += step_ms) {
		double x = x_of(d, at_ms);
		cleanup_free char *text = step_ms < DAY_MS
						  ? str_format("%.3g h", (double)at_ms / HOUR_MS)
						  : str_format("day %" PRId64, at_ms / DAY_MS);

		str_addf(d->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, top, bottom);
		add_label(d, x, bottom + 16, "middle", text);
	}
}

/* ---- the lanes ---- */

static double lanes_height(const struct drawing *d)
{
	return d->lane * d->report->farm->n_slots;
}

static void draw_lanes(struct drawing *d, double top)
{
	const struct farm *farm = d->report->farm;

	str_addf(d->out,
		"<rect class=\"lane\" x=\"%.0f\" y=\"%.1f\" width=\"%.0f\" height=\"%.1f\"/>\n",
		LEFT, top, PLOT_WIDTH, lanes_height(d));
	for (size_t i = 0; i < farm->n; i++) {
		double y = top + d->lane * farm->builders[i].first_slot;

		str_addf(d->out, "<path class=\"grid\" d=\"M0 %.1fH%.0f\"/>\n", y,
			LEFT + PLOT_WIDTH);
		if (farm->builders[i].slots > 0)
			add_label(d, 2, y + 12, "builder", farm->builders[i].name);
	}
}

static void add_hint(struct drawing *d, const struct row *row, const struct sim_build_result *build)
{
	char waited[TIME_TEXT_MAX], took[TIME_TEXT_MAX];

	duration_to_text(build->start_ms - row->submit_ms, waited);
	duration_to_text(build->end_ms - build->start_ms, took);
	str_add(d->out, "<title>");
	svg_add_text(d->out, row->package);
	if (row->set[0] != '\0') {
		str_add(d->out, " ");
		svg_add_text(d->out, row->set);
	}
	str_add(d->out, " (");
	svg_add_text(d->out, row->id);
	str_addf(d->out, "): waited %s, took %s%s</title>", waited, took,
		build->is_promised ? ", started by its promise" : "");
}

static void draw_wide(struct drawing *d, size_t index, const struct sim_build_result *build,
	double y, double height)
{
	double x = x_of(d, build->start_ms), width = x_of(d, build->end_ms) - x;
	enum build_class class = (enum build_class)d->yardstick.classes[index];

	if (width < HOVER_WIDTH)
		return;
	str_addf(d->out,
		"<rect class=\"%s%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
		build_class_name(class), build->is_promised ? " promised" : "", x, y,
		fmax(width - 0.4, 0.1), height);
	add_hint(d, &d->report->trace->rows[index], build);
	str_add(d->out, "</rect>\n");
}

/* All that are too narrow to be pointed at are one shape a class, so that drawings stay small. */
static void draw_narrow(
	struct drawing *d, const struct play *play, enum build_class class, double top)
{
	const struct sim_result *result = &play->result;

	str_addf(d->out, "<path class=\"%s\" d=\"", build_class_name(class));
	for (size_t i = 0; i < result->n_ran; i++) {
		const struct sim_build_result *build = &result->builds[result->order[i]];
		double x = x_of(d, build->start_ms), width = x_of(d, build->end_ms) - x;

		if (d->yardstick.classes[result->order[i]] != class || width >= HOVER_WIDTH)
			continue;
		str_addf(d->out, "M%.1f %.1fh%.2fv%.1fh-%.2fz", x, top + d->lane * build->slot,
			fmax(width, 0.2), d->lane * 0.9, fmax(width, 0.2));
	}
	str_add(d->out, "\"/>\n");
}

static void draw_builds(struct drawing *d, const struct play *play, double top)
{
	const struct sim_result *result = &play->result;

	for (size_t i = 0; i < result->n_ran; i++) {
		const struct sim_build_result *build = &result->builds[result->order[i]];

		draw_wide(d, result->order[i], build, top + d->lane * build->slot, d->lane * 0.9);
	}
	for (int class = 0; class < BUILD_CLASSES; class ++)
		draw_narrow(d, play, (enum build_class) class, top);
}

/* ---- the waits ---- */

/* On a logarithmic axis from a minute up. */
static double wait_height(const struct drawing *d, double wait_ms)
{
	return WAITS * log(fmax(wait_ms / MINUTE_MS, 1)) / log(d->wait_max_ms / MINUTE_MS);
}

static void draw_wait_axis(struct drawing *d, double bottom)
{
	static const struct {
		double ms;
		const char *text;
	} marks[] = {
		{ MINUTE_MS, "1 min" },
		{ 10 * MINUTE_MS, "10 min" },
		{ HOUR_MS, "1 h" },
		{ 6 * HOUR_MS, "6 h" },
		{ DAY_MS, "1 d" },
		{ 7 * DAY_MS, "1 week" },
		{ 30 * DAY_MS, "30 d" },
		{ 365 * DAY_MS, "1 year" },
	};

	for (size_t i = 0; i < ARRAY_LEN(marks) && marks[i].ms <= d->wait_max_ms; i++) {
		double y = bottom - wait_height(d, marks[i].ms);

		str_addf(d->out, "<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/>\n", LEFT, y,
			LEFT + PLOT_WIDTH);
		add_label(d, LEFT - 6, y + 4, "end", marks[i].text);
	}
}

static void draw_waits(struct drawing *d, const struct play *play, double bottom)
{
	const struct sim_result *result = &play->result;

	draw_wait_axis(d, bottom);
	for (int class = 0; class < BUILD_CLASSES; class ++) {
		str_addf(d->out, "<path class=\"%s dots\" d=\"",
			build_class_name((enum build_class) class));
		for (size_t i = 0; i < result->n_ran; i++) {
			size_t index = result->order[i];
			int64_t submit_ms = d->report->trace->rows[index].submit_ms;
			double wait_ms = (double)(result->builds[index].start_ms - submit_ms);

			if (d->yardstick.classes[index] == class)
				str_addf(d->out, "M%.1f %.1fh0", x_of(d, submit_ms),
					bottom - wait_height(d, wait_ms));
		}
		str_add(d->out, "\"/>\n");
	}
}

/* ---- all of it ---- */

static void find_span(struct drawing *d)
{
	const struct report *report = d->report;

	d->begin_ms = report->trace->rows[0].submit_ms;
	d->end_ms = d->begin_ms + 1;
	d->wait_max_ms = 2 * HOUR_MS;
	for (size_t k = 0; k < report->n; k++) {
		const struct sim_result *result = &report->plays[k].result;

		for (size_t i = 0; i < result->n_ran; i++) {
			size_t index = result->order[i];
			const struct sim_build_result *build = &result->builds[index];
			int64_t submit_ms = report->trace->rows[index].submit_ms;

			if (build->end_ms > d->end_ms)
				d->end_ms = build->end_ms;
			d->wait_max_ms =
				fmax(d->wait_max_ms, (double)(build->start_ms - submit_ms));
		}
	}
}

static bool any_is_promised(const struct report *report)
{
	for (size_t k = 0; k < report->n; k++)
		for (size_t i = 0; i < report->plays[k].result.n; i++)
			if (report->plays[k].result.builds[i].is_promised)
				return true;
	return false;
}

static void draw_key(struct drawing *d, double at, const char *class, const char *text)
{
	double x = LEFT + at;

	str_addf(d->out, "<rect class=\"%s\" x=\"%.0f\" y=\"14\" width=\"12\" height=\"12\"/>\n",
		class, x);
	add_label(d, x + 18, 24, "legend", text);
}

static void draw_legend(struct drawing *d)
{
	static const char *const texts[BUILD_CLASSES] = { "thin: the cheapest 60 % of the builds",
		"medium", "fat: the most expensive 10 %" };
	static const double at[BUILD_CLASSES] = { 0, 260, 350 };
	const char *name = d->report->trace_name, *slash = strrchr(name, '/');

	for (int class = 0; class < BUILD_CLASSES; class ++)
		draw_key(d, at[class], build_class_name((enum build_class) class), texts[class]);
	if (any_is_promised(d->report))
		draw_key(d, 560, "lane promised", "started by its promise");
	add_label(d, LEFT + PLOT_WIDTH, 24, "end", slash == NULL ? name : slash + 1);
}

static double panel_height(const struct drawing *d)
{
	return TITLE + lanes_height(d) + GAP + WAITS + AXIS;
}

static void draw_panel(struct drawing *d, const struct play *play, double top)
{
	double lanes = top + TITLE, waits = lanes + lanes_height(d) + GAP;
	cleanup_free char *title =
		str_format("%s: mean stretch %.3g, mean slowdown %.3g", play->policy->name,
			play->score.stretch[SPREAD_MEAN], play->score.slowdown[SPREAD_MEAN]);

	add_label(d, LEFT, top + 18, "title", title);
	draw_lanes(d, lanes);
	draw_axis(d, lanes, waits + WAITS);
	draw_builds(d, play, lanes);
	add_label(d, LEFT, waits - 5, "name", "how long builds waited, by when they came");
	draw_waits(d, play, waits + WAITS);
}

void svg_draw(const struct report *report, struct str *out)
{
	struct drawing d = { .report = report, .out = out };
	double height;

	yardstick_init(&d.yardstick, report->trace);
	find_span(&d);
	d.lane = fmin(LANES / report->farm->n_slots, LANE_MAX);
	height = HEAD + (double)report->n * panel_height(&d);
	str_addf(out, head, WIDTH, height, WIDTH);
	str_add(out, style);
	str_add(out, "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
	draw_legend(&d);
	for (size_t i = 0; i < report->n; i++)
		draw_panel(&d, &report->plays[i], HEAD + (double)i * panel_height(&d));
	str_add(out, "</svg>\n");
	yardstick_finish(&d.yardstick);
}

int svg_write(const struct report *report, const char *path, struct err *err)
{
	cleanup_str struct str out = { 0 };
	FILE *file = fopen(path, "we");
	bool failed;

	if (file == NULL)
		return err_errno(err, errno, "%s", path);
	svg_draw(report, &out);
	failed = fwrite(out.text, 1, out.len, file) != out.len;
	if (fclose(file) != 0 || failed)
		return err_errno(err, errno, "%s", path);
	return 0;
}
