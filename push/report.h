/* Telling how a push goes: one JSON object a line for programs, lines for people, and bars for
 * those before a terminal. */
#ifndef CAPQ_PUSH_REPORT_H
#define CAPQ_PUSH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "push/choice.h"
#include "push/fail.h"
#include "push/watch.h"

struct plan;

struct report {
	bool is_json;
	struct watch watch;
	int64_t started_us; /* On the monotonic clock. */
	size_t n_pushed, n_skipped, n_failed, n_missing;
	uint64_t file_bytes;
};

void report_init(struct report *report, bool is_json);
void report_finish(struct report *report);

/* The order of events: plan; then for each path that is uploaded start, progress, and done or fail
 * (or skip, when it turns out to be there); skip or fail for others; pin; end, always. Paths are
 * borrowed until their end is reported. */
void report_plan(struct report *report, const struct plan *plan);
void report_start(struct report *report, const char *path, uint64_t nar_bytes);
void report_progress(
	struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes);
void report_done(struct report *report, const char *path, uint64_t nar_bytes, uint64_t file_bytes,
	int64_t us);
void report_skip(struct report *report, const char *path, const char *reason);
/* The cache lacks it and the user does not want it there. People are told one by one of what they
 * gave, and of what no other cache has. */
void report_left_out(struct report *report, const char *path, bool is_given, enum choice choice,
	const char *reason);
void report_fail(struct report *report, const char *path, const struct fail *fail);
/* `nar_bytes` 0: they are not known. */
void report_missing(struct report *report, const char *path, uint64_t nar_bytes);
/* The pin `name` is made, or not: then `fail` says why. */
void report_pin(struct report *report, const char *name, const char *path, const struct fail *fail);
void report_end(struct report *report);

/* How often, in ms, progress and status are wanted; 0: never. */
uint64_t report_interval_ms(const struct report *report);

/* How much is done of how much. */
void report_status(struct report *report, size_t n_done, size_t n_paths, uint64_t nar_done,
	uint64_t nar_bytes);

#endif
