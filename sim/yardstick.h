/* What follows from a trace alone, whatever the schedule: costs, classes, what is possible at best.
 *
 * The cost of a build is that of the chain that was asked for: its own work and the longest chain
 * of what it needs, as far as that was submitted in the seven days before. By cost, builds are thin
 * (up to the 60th percentile), medium, or fat (above the 90th). */
#ifndef CAPQ_SIM_YARDSTICK_H
#define CAPQ_SIM_YARDSTICK_H

#include "sim/trace.h"

enum build_class {
	CLASS_THIN,
	CLASS_MEDIUM,
	CLASS_FAT,
	BUILD_CLASSES,
};

const char *build_class_name(enum build_class class); /* "thin", "medium", "fat" */

struct yardstick {
	const struct trace *trace;
	double *cost_s;      /* By row. */
	double *ideal_end_s; /* When it could end at best, on a farm without limits. */
	uint8_t *classes;    /* enum build_class */
	uint32_t *newer;     /* What supersedes it; ROW_NONE. */
};

void yardstick_init(struct yardstick *yardstick, const struct trace *trace);
void yardstick_finish(struct yardstick *yardstick);

#endif
