/* What `wait` and `watch` say of the jobs they follow: on a terminal a table that is drawn in
 * place, with the end of each job as a line above it; elsewhere a line a change, and one now and
 * then so that nobody takes it for dead; or a JSON object a change; or nothing. */
#ifndef CAPQ_CLIENT_REPORT_H
#define CAPQ_CLIENT_REPORT_H

#include <stdint.h>

#include "client/job_set.h"
#include "client/output.h"
#include "lib/screen.h"

enum report_style { REPORT_TABLE, REPORT_LINES, REPORT_JSON, REPORT_NOTHING };

/* The style that fits the output; `with_json` when --json was given. */
enum report_style report_style(const struct output *output, enum report_style with_json);

struct report {
	const struct output *output;
	enum report_style style;
	struct screen screen;
	struct str above;       /* Lines to come above the table. */
	int64_t began_ms;       /* Monotonic. */
	int64_t last_said_ms;   /* Monotonic. */
	int n_done, n_not_done; /* Jobs whose end was said. */
};

void report_init(struct report *report, const struct output *output, enum report_style style);

/* Say what is new of each known job. */
void report_changes(struct report *report, struct job_set *set);

/* Say something else, on standard error where there is no table: "capqd is back". */
void report_note(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A second has passed: draw the table, or, after long silence, say that all goes on. */
void report_tick(struct report *report, const struct job_set *set);

/* Take the table away; lines that were said stay. */
void report_finish(struct report *report);

#endif
