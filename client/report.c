#include "client/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/now.h"
#include "client/text.h"
#include "client/view.h"
#include "lib/mem.h"
#include "lib/time_text.h"

#define HEARTBEAT_MS 30000

enum report_style report_style(const struct output *output, enum report_style with_json)
{
	if (output->is_json)
		return with_json;
	return output->can_redraw ? REPORT_TABLE : REPORT_LINES;
}

void report_init(struct report *report, const struct output *output, enum report_style style)
{
	int64_t now = monotonic_ms();

	*report = (struct report){
		.output = output,
		.style = style,
		.screen = { .fd = STDOUT_FILENO },
		.began_ms = now,
		.last_said_ms = now,
	};
}

/* ---- lines ---- */

/* Say a line, above the table if there is one. */
static void say(struct report *report, enum colour colour, const char *text)
{
	bool has_colour = report->output->has_colour;
	cleanup_str struct str line = { 0 };

	text_add_line(&line, text);
	report->last_said_ms = monotonic_ms();
	if (report->style == REPORT_TABLE) {
		str_add(&report->above, colour_begin(has_colour, colour));
		str_add(&report->above, str_text(&line));
		str_add(&report->above, colour_end(has_colour, colour));
		str_add_char(&report->above, '\n');
	} else if (report->style == REPORT_LINES) {
		output_coloured(report->output, colour, "%s", str_text(&line));
		output_printf("\n");
		(void)fflush(stdout);
	}
}

void report_note(struct report *report, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort(); /* No memory. */
	va_end(args);
	if (report->style == REPORT_TABLE)
		say(report, YELLOW, text);
	else if (!report->output->is_json)
		output_note("capq: %s\n", text);
	free(text);
}

/* "failed after 12m03s: builder failed (capq log 17)" */
static void add_end(struct str *line, const struct record *record)
{
	const struct job *job = &record->job;
	char took[TIME_TEXT_MAX];

	duration_to_text(record_elapsed_ms(record, 0), took);
	str_addf(line, "%s after %s", job_state_name(job->state), took);
	if (job->reason != NULL && job->state != JOB_DONE)
		str_addf(line, ": %s", job->reason);
	if (job->state == JOB_FAILED)
		str_addf(line, " (capq log %" PRId64 ")", job->id);
}

static void add_now(struct str *line, const struct record *record)
{
	cleanup_str struct str note = { 0 };
	const char *phase = record_phase(record);

	str_add(line, job_state_name(record->job.state));
	if (phase != NULL)
		str_addf(line, ", %s", phase);
	record_add_note(&note, record);
	if (note.len > 0 && strcmp(note.text, job_state_name(record->job.state)) != 0)
		str_addf(line, " (%s)", note.text);
}

static void say_job(struct report *report, const struct record *record)
{
	cleanup_str struct str line = { 0 };
	bool is_final = job_state_is_final(record->job.state);

	if (report->style == REPORT_JSON) {
		output_json_text(record->json);
		(void)fflush(stdout);
		return;
	}
	if (report->style == REPORT_TABLE && !is_final)
		return; /* The table says it. */
	str_addf(&line, "job %" PRId64 "  ", record->job.id);
	job_add_label(&line, &record->job);
	str_add(&line, ": ");
	if (is_final)
		add_end(&line, record);
	else
		add_now(&line, record);
	say(report, is_final ? job_state_colour(record->job.state) : PLAIN, line.text);
}

/* ---- changes ---- */

static bool is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A phase is no news in JSON: events bring it, and the object is as it was asked for. */
static bool is_news(const struct report *report, const struct tracked *t)
{
	if (!t->was_said || t->said_state != t->record.job.state)
		return true;
	return report->style != REPORT_JSON && !is_same(t->said_phase, record_phase(&t->record));
}

/* A job ended, or, when somebody tries it again, `change` is -1: it did not after all. */
static void count_end(struct report *report, enum job_state state, int change)
{
	if (state == JOB_DONE)
		report->n_done += change;
	else if (job_state_is_final(state))
		report->n_not_done += change;
}

static void remember(struct report *report, struct tracked *t)
{
	if (t->was_said)
		count_end(report, t->said_state, -1);
	count_end(report, t->record.job.state, 1);
	t->was_said = true;
	t->said_at_ms = monotonic_ms();
	t->said_state = t->record.job.state;
	free(t->said_phase);
	t->said_phase = xstrdup_or_null(record_phase(&t->record));
}

void report_changes(struct report *report, struct job_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct tracked *t = &set->items[i];

		if (!t->is_known || !is_news(report, t))
			continue;
		say_job(report, &t->record);
		remember(report, t);
	}
}

/* ---- the table, and the heartbeat ---- */

static void add_count(struct str *out, int n, const char *what)
{
	if (n > 0)
		str_addf(out, "%s%d %s", out->len > 0 ? ", " : "", n, what);
}

/* "2 running, 3 waiting, 1 done, 12m03s" */
static void add_summary(
	const struct report *report, const struct record *const *live, size_t n, struct str *out)
{
	int states[JOB_STATES] = { 0 }, running = 0;
	char elapsed[TIME_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		if (live[i]->progress.build_id != 0)
			running++;
		else
			states[live[i]->job.state]++;
	}
	add_count(out, running, "running");
	for (enum job_state s = 0; s < JOB_STATES; s++)
		add_count(out, states[s], job_state_name(s));
	add_count(out, report->n_done, "done");
	add_count(out, report->n_not_done, "not done");
	duration_to_text(monotonic_ms() - report->began_ms, elapsed);
	str_addf(out, "%s%s", out->len > 0 ? "  " : "nothing yet  ", elapsed);
}

static size_t collect_live(const struct job_set *set, const struct record **out)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct tracked *t = &set->items[i];

		if (t->is_known && !job_state_is_final(t->record.job.state))
			out[n++] = &t->record;
	}
	return n;
}

static void draw(struct report *report, const struct record **live, size_t n, const char *summary)
{
	cleanup_str struct str block = { 0 };
	struct view view = {
		.has_colour = report->output->has_colour, .now_ms = wall_ms(), .summary = summary
	};

	screen_size(report->screen.fd, &view.width, &view.height);
	/* A line that reaches the last column wraps on some terminals, and a block as high as the
	 * screen scrolls. */
	view.width--;
	view.height--;
	view_render(&view, live, n, &block);
	(void)fflush(stdout);
	screen_draw(&report->screen, str_text(&report->above), str_text(&block));
	str_clear(&report->above);
}

void report_tick(struct report *report, const struct job_set *set)
{
	cleanup_free const struct record **live = xcalloc(set->n, sizeof *live);
	cleanup_str struct str summary = { 0 };
	size_t n = collect_live(set, live);

	add_summary(report, live, n, &summary);
	if (report->style == REPORT_TABLE)
		draw(report, live, n, summary.text);
	else if (report->style == REPORT_LINES &&
		 monotonic_ms() - report->last_said_ms >= HEARTBEAT_MS)
		say(report, PLAIN, summary.text);
}

void report_finish(struct report *report)
{
	(void)fflush(stdout);
	if (report->style == REPORT_TABLE)
		screen_draw(&report->screen, str_text(&report->above), "");
	str_free(&report->above);
}
