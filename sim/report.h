/* The figures of one policy or several, for people and for programs. */
#ifndef CAPQ_SIM_REPORT_H
#define CAPQ_SIM_REPORT_H

#include <stdbool.h>

#include "lib/str.h"
#include "sim/play.h"

/* What was played. */
struct report {
	const char *trace_name;
	const struct trace *trace;
	const struct farm *farm;
	const struct play *plays;
	size_t n;
};

/* A table with a column for each policy; the best figure of a line is marked. */
void report_table(const struct report *report, struct str *out);

/* An object; of several, an object with the array "policies". */
void report_json(const struct report *report, bool is_compared, struct str *out);

/* A line for each policy. */
void report_csv(const struct report *report, struct str *out);

#endif
