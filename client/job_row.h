/* What every table of jobs begins with: who the job is, and its state. */
#ifndef CAPQ_CLIENT_JOB_ROW_H
#define CAPQ_CLIENT_JOB_ROW_H

#include "client/table.h"
#include "lib/job.h"

/* The first of a table's columns. */
/* clang-format off */
#define JOB_COLUMNS                                                                                \
	{ .name = "ID", .is_number = true },                                                       \
	{ .name = "ATTR", .may_be_cut = true },                                                    \
	{ .name = "CAPS" },                                                                        \
	{ .name = "REV" },                                                                         \
	{ .name = "STATE" }
/* clang-format on */

/* Begin a row with them. */
void job_row_begin(struct table *table, const struct job *job);

#endif
