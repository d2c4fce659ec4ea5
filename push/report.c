#include "push/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "lib/json.h"
#include "lib/store_path.h"
#include "lib/time_text.h"

void report_init(struct report *report, bool is_json)
{
	*report = (struct report){
		.is_json = is_json,
		.is_terminal = !is_json && isatty(STDERR_FILENO),
		.started_us = clock_mono_us(),
	};
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

static void clear_status(struct report *report)
{
	if (report->status_shown)
		(void)fputs("\r\033[K", stderr);
	report->status_shown = false;
}

static void say(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct report *report, const char *format, ...)
{
	va_list args;

	clear_status(report);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)fflush(stdout);
}

/* ---- events ---- */

void report_plan(struct report *report, size_t n_paths, size_t n_missing, uint64_t nar_bytes)
{
	char size[TIME_TEXT_MAX];
	struct json_out out;

	if (report->is_json) {
		out = begin_event("plan", NULL);
		json_out_int(&out, "paths", (int64_t)n_paths);
		json_out_int(&out, "missing", (int64_t)n_missing);
		json_out_int(&out, "nar_bytes", (int64_t)nar_bytes);
		end_event(&out);
		return;
	}
	size_to_text((int64_t)nar_bytes, size);
	say(report, "%zu of %zu paths to push, %s\n", n_missing, n_paths, size);
}

void report_start(struct report *report, const char *path, uint64_t nar_bytes)
{
	struct json_out out;

	if (!report->is_json)
		return;
	out = begin_event("start", path);
	json_out_int(&out, "nar_bytes", (int64_t)nar_bytes);
	end_event(&out);
}

void report_progress(
	struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes)
{
	struct json_out out;

	if (!report->is_json)
		return;
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
	say(report, "pushed   %s (%s, %s compressed, %s)\n", name_of(path), nar, file, took);
}

void report_skip(struct report *report, const char *path, const char *reason)
{
	struct json_out out;

	report->n_skipped++;
	if (report->is_json) {
		out = begin_event("skip", path);
		json_out_text(&out, "reason", reason);
		end_event(&out);
		return;
	}
	say(report, "skipped  %s (%s)\n", name_of(path), reason);
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
	clear_status(report);
	(void)fprintf(stderr, "failed   %s (%s): %s\n", name_of(path), fail_name(fail->class),
		fail->err.text);
}

void report_missing(struct report *report, const char *path)
{
	struct json_out out;

	if (report->is_json) {
		out = begin_event("missing", path);
		end_event(&out);
		return;
	}
	say(report, "missing  %s\n", path);
}

void report_end(struct report *report)
{
	int64_t us = clock_mono_us() - report->started_us;
	char size[TIME_TEXT_MAX], took[TIME_TEXT_MAX];
	struct json_out out;

	if (report->is_json) {
		out = begin_event("end", NULL);
		json_out_int(&out, "pushed", (int64_t)report->n_pushed);
		json_out_int(&out, "skipped", (int64_t)report->n_skipped);
		json_out_int(&out, "failed", (int64_t)report->n_failed);
		json_out_int(&out, "file_bytes", (int64_t)report->file_bytes);
		json_out_double(&out, "seconds", seconds(us));
		end_event(&out);
		return;
	}
	size_to_text((int64_t)report->file_bytes, size);
	duration_to_text(us / 1000, took);
	say(report, "%zu pushed (%s), %zu skipped, %zu failed in %s\n", report->n_pushed, size,
		report->n_skipped, report->n_failed, took);
}

void report_status(
	struct report *report, size_t n_done, size_t n_paths, uint64_t nar_done, uint64_t nar_bytes)
{
	char done[TIME_TEXT_MAX], all[TIME_TEXT_MAX];

	if (!report->is_terminal)
		return;
	size_to_text((int64_t)nar_done, done);
	size_to_text((int64_t)nar_bytes, all);
	clear_status(report);
	(void)fprintf(stderr, "%zu of %zu paths, %s of %s", n_done, n_paths, done, all);
	(void)fflush(stderr);
	report->status_shown = true;
}
