/* Telling how a push goes: one JSON object a line for programs, or lines for people. */
#ifndef CAPQ_PUSH_REPORT_H
#define CAPQ_PUSH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "push/fail.h"

struct report {
	bool is_json;
	bool is_terminal;   /* Standard error is one: a line on it shows how far we are. */
	bool status_shown;  /* That line is there and must go before another is written. */
	int64_t started_us; /* On the monotonic clock. */
	size_t n_pushed, n_skipped, n_failed;
	uint64_t file_bytes;
};

void report_init(struct report *report, bool is_json);

/* The order of events: plan; then for each path that is uploaded start, progress, and done or fail
 * (or skip, when it turns out to be there); skip or fail for others; end, always. */
void report_plan(struct report *report, size_t n_paths, size_t n_missing, uint64_t nar_bytes);
void report_start(struct report *report, const char *path, uint64_t nar_bytes);
void report_progress(
	struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes);
void report_done(struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes,
	int64_t us);
void report_skip(struct report *report, const char *path, const char *reason);
void report_fail(struct report *report, const char *path, const struct fail *fail);
void report_missing(struct report *report, const char *path);
void report_end(struct report *report);

/* On a terminal: how much is done of how much. */
void report_status(struct report *report, size_t n_done, size_t n_paths, uint64_t nar_done,
	uint64_t nar_bytes);

#endif
