#include "push/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "lib/time_text.h"
#include "push/plan.h"

#define PROGRESS_MS 500 /* Between two progress events of a path, for programs. */

/* What the program logs on the way, such as that a request is sent again. */
static void on_log(void *owner, enum log_level level, const char *line)
{
	struct report *report = owner;
	cleanup_free char *text = str_format("capq-push: %s\n", line);

	(void)level;
	watch_say(&report->watch, stderr, text);
}

void report_init(struct report *report, bool is_json)
{
	*report = (struct report){ .is_json = is_json, .started_us = clock_mono_us() };
	watch_init(&report->watch, !is_json, report->started_us);
	if (report->watch.is_drawn)
		log_set_sink(on_log, report);
}

void report_finish(struct report *report)
{
	log_set_sink(NULL, NULL);
	watch_finish(&report->watch);
}

uint64_t report_interval_ms(const struct report *report)
{
	return report->is_json ? PROGRESS_MS : report->watch.is_drawn ? WATCH_MS : 0;
}

static double seconds(int64_t us)
{
	return (double)us / 1e6;
}

/* ---- for programs ---- */

static struct json_out begin_event(const char *event, const char *path)
{
	struct json_out out = { 0 };

	json_out_object(&out, NULL);
	json_out_text(&out, "event", event);
	if (path != NULL)
		json_out_text(&out, "path", path);
	return out;
}

/* Whoever reads may have gone away; the push goes on, so nothing is made of a failing write. */
static void end_event(struct json_out *out)
{
	json_out_end_object(out);
	str_add_char(&out->text, '\n');
	(void)fwrite(out->text.text, 1, out->text.len, stdout);
	(void)fflush(stdout);
	str_free(&out->text);
}

/* ---- for people ---- */

/* "torch-2.5.1" of a store path; what is none is shown as it is. */
static const char *name_of(const char *path)
{
	return path[0] == '/' && store_path_is_valid(path, strlen(path)) ? store_path_name(path)
									 : path;
}

/* What happened to a path stands in the first word of its line. */
struct word {
	const char *text, *colour;
};
static const struct word pushed = { "pushed  ", "\033[32m" }, skipped = { "skipped ", "" },
			 missing = { "missing ", "" }, failed = { "failed  ", "\033[31m" },
			 pinned = { "pinned  ", "\033[32m" }, warning = { "warning:", "\033[33m" };

static void say(struct report *report, FILE *stream, const struct word *word, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* A line: the word, if any, and what follows it. */
static void say(
	struct report *report, FILE *stream, const struct word *word, const char *format, ...)
{
	/* Colours are for eyes, so not for an output that is redirected. */
	bool has_colour =
		report->watch.has_colour && (stream == stderr || report->watch.is_output_terminal);
	cleanup_str struct str line = { 0 };
	char text[ERR_TEXT_MAX + 512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (word != NULL && has_colour && word->colour[0] != '\0')
		str_addf(&line, "%s%s\033[m ", word->colour, word->text);
	else if (word != NULL)
		str_addf(&line, "%s ", word->text);
	str_addf(&line, "%s\n", text);
	watch_say(&report->watch, stream, line.text);
}

/* ---- events ---- */

/* {"paths": 3, "nar_bytes": 17} called `name`. */
static void add_sum(struct json_out *out, const char *name, const struct plan_sum *sum)
{
	json_out_object(out, name);
	json_out_int(out, "paths", (int64_t)sum->n);
	json_out_int(out, "nar_bytes", (int64_t)sum->nar_bytes);
	json_out_end_object(out);
}

static void plan_as_json(const struct plan *plan)
{
	struct json_out out = begin_event("plan", NULL);

	json_out_int(&out, "paths", (int64_t)plan->infos.n);
	json_out_int(&out, "missing", (int64_t)plan->sums[CHOICE_TAKE].n);
	json_out_int(&out, "nar_bytes", (int64_t)plan->sums[CHOICE_TAKE].nar_bytes);
	json_out_object(&out, "left_out");
	for (int c = CHOICE_TAKE + 1; c < CHOICES; c++)
		add_sum(&out, choice_name((enum choice)c), &plan->sums[c]);
	json_out_end_object(&out);
	json_out_int(&out, "incomplete", (int64_t)plan->n_incomplete);
	end_event(&out);
}

/* "3 by name (1.2 GiB), 1 by size (3.0 GiB)"; "" when nothing is left out. */
static void add_left_out(const struct plan *plan, struct str *out)
{
	char size[TIME_TEXT_MAX];

	for (int c = CHOICE_TAKE + 1; c < CHOICES; c++) {
		if (plan->sums[c].n == 0)
			continue;
		size_to_text((int64_t)plan->sums[c].nar_bytes, size);
		str_addf(out, "%s%zu by %s (%s)", out->len > 0 ? ", " : "", plan->sums[c].n,
			choice_name((enum choice)c), size);
	}
}

void report_plan(struct report *report, const struct plan *plan)
{
	cleanup_str struct str left_out = { 0 };
	char size[TIME_TEXT_MAX];

	if (report->is_json) {
		plan_as_json(plan);
		return;
	}
	size_to_text((int64_t)plan->sums[CHOICE_TAKE].nar_bytes, size);
	say(report, stdout, NULL, "%zu of %zu paths to push, %s", plan->sums[CHOICE_TAKE].n,
		plan->infos.n, size);
	add_left_out(plan, &left_out);
	if (left_out.len > 0)
		say(report, stdout, NULL, "left out: %s", left_out.text);
	if (plan->n_incomplete > 0)
		say(report, stderr, &warning,
			"%zu paths to push refer to what is left out and not in the cache either: "
			"from this cache alone nobody can use them",
			plan->n_incomplete);
}

void report_start(struct report *report, const char *path, uint64_t nar_bytes)
{
	struct json_out out;

	if (!report->is_json) {
		watch_start(&report->watch, path, nar_bytes, clock_mono_us());
		return;
	}
	out = begin_event("start", path);
	json_out_int(&out, "nar_bytes", (int64_t)nar_bytes);
	end_event(&out);
}

void report_progress(
	struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes)
{
	struct json_out out;

	if (!report->is_json) {
		watch_progress(&report->watch, path, nar_bytes, file_bytes, clock_mono_us());
		return;
	}
	out = begin_event("progress", path);
	json_out_int(&out, "nar_bytes", (int64_t)nar_bytes);
	json_out_int(&out, "file_bytes", (int64_t)file_bytes);
	end_event(&out);
}

void report_done(struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes,
	int64_t us)
{
	char nar[TIME_TEXT_MAX], file[TIME_TEXT_MAX], took[TIME_TEXT_MAX];
	struct json_out out;

	report->n_pushed++;
	report->file_bytes += file_bytes;
	if (report->is_json) {
		out = begin_event("done", path);
		json_out_int(&out, "nar_bytes", (int64_t)nar_bytes);
		json_out_int(&out, "file_bytes", (int64_t)file_bytes);
		json_out_double(&out, "seconds", seconds(us));
		end_event(&out);
		return;
	}
	size_to_text((int64_t)nar_bytes, nar);
	size_to_text((int64_t)file_bytes, file);
	duration_to_text(us / 1000, took);
	watch_end(&report->watch, path, file_bytes);
	say(report, stdout, &pushed, "%s (%s, %s compressed, %s)", name_of(path), nar, file, took);
}

/* `why`: for programs, what left it out; NULL: nothing did. */
static void skip_as_json(const char *path, const char *why, const char *reason)
{
	struct json_out out = begin_event("skip", path);

	json_out_text(&out, "reason", reason);
	if (why != NULL)
		json_out_text(&out, "left_out_by", why);
	end_event(&out);
}

void report_skip(struct report *report, const char *path, const char *reason)
{
	report->n_skipped++;
	if (report->is_json) {
		skip_as_json(path, NULL, reason);
		return;
	}
	watch_end(&report->watch, path, 0);
	say(report, stdout, &skipped, "%s (%s)", name_of(path), reason);
}

void report_left_out(struct report *report, const char *path, bool is_given, enum choice choice,
	const char *reason)
{
	report->n_skipped++;
	if (report->is_json)
		skip_as_json(path, choice_name(choice), reason);
	else if (is_given || choice != CHOICE_UPSTREAM)
		say(report, stdout, &skipped, "%s (%s)", name_of(path), reason);
}

void report_fail(struct report *report, const char *path, const struct fail *fail)
{
	struct json_out out;

	report->n_failed++;
	if (report->is_json) {
		out = begin_event("fail", path);
		json_out_text(&out, "class", fail_name(fail->class));
		json_out_text(&out, "message", fail->err.text);
		end_event(&out);
		return;
	}
	watch_end(&report->watch, path, 0);
	say(report, stderr, &failed, "%s (%s): %s", name_of(path), fail_name(fail->class),
		fail->err.text);
}

void report_missing(struct report *report, const char *path, uint64_t nar_bytes)
{
	char size[TIME_TEXT_MAX];
	struct json_out out;

	report->n_missing++;
	if (report->is_json) {
		out = begin_event("missing", path);
		if (nar_bytes > 0)
			json_out_int(&out, "nar_bytes", (int64_t)nar_bytes);
		end_event(&out);
		return;
	}
	size_to_text((int64_t)nar_bytes, size);
	if (nar_bytes > 0)
		say(report, stdout, &missing, "%s (%s)", path, size);
	else
		say(report, stdout, &missing, "%s", path);
}

void report_pin(struct report *report, const char *name, const char *path, const struct fail *fail)
{
	bool is_made = fail->class == FAIL_NONE;
	struct json_out out;

	if (report->is_json) {
		out = begin_event("pin", path);
		json_out_text(&out, "name", name);
		if (!is_made) {
			json_out_text(&out, "class", fail_name(fail->class));
			json_out_text(&out, "message", fail->err.text);
		}
		end_event(&out);
	} else if (is_made) {
		say(report, stdout, &pinned, "%s as %s", name_of(path), name);
	} else {
		say(report, stderr, &failed, "to pin %s as %s (%s): %s", name_of(path), name,
			fail_name(fail->class), fail->err.text);
	}
}

void report_end(struct report *report)
{
	int64_t us = clock_mono_us() - report->started_us;
	char size[TIME_TEXT_MAX], took[TIME_TEXT_MAX];
	struct json_out out;

	watch_clear(&report->watch);
	if (report->is_json) {
		out = begin_event("end", NULL);
		json_out_int(&out, "pushed", (int64_t)report->n_pushed);
		json_out_int(&out, "skipped", (int64_t)report->n_skipped);
		json_out_int(&out, "failed", (int64_t)report->n_failed);
		json_out_int(&out, "missing", (int64_t)report->n_missing);
		json_out_int(&out, "file_bytes", (int64_t)report->file_bytes);
		json_out_double(&out, "seconds", seconds(us));
		end_event(&out);
		return;
	}
	size_to_text((int64_t)report->file_bytes, size);
	duration_to_text(us / 1000, took);
	if (report->n_missing > 0)
		say(report, stdout, NULL, "%zu missing", report->n_missing);
	say(report, stdout, NULL, "%zu pushed (%s), %zu skipped, %zu failed in %s",
		report->n_pushed, size, report->n_skipped, report->n_failed, took);
}

void report_status(
	struct report *report, size_t n_done, size_t n_paths, uint64_t nar_done, uint64_t nar_bytes)
{
	watch_draw(&report->watch, n_done, n_paths, nar_done, nar_bytes, clock_mono_us());
}
