/* The knobs of scheduling, as capqd's configuration has them (capqd.yaml(5): scheduling.*). */
#ifndef CAPQ_SIM_KNOBS_H
#define CAPQ_SIM_KNOBS_H

#include <stddef.h>

#include "lib/err.h"
#include "lib/str.h"
#include "sched/schedule.h"
#include "sim/farm.h"

/* What a branch's builds weigh: those for at most one capability, and the others. */
struct knob_weight {
	char *branch;
	double thin, fat;
};

struct knobs {
	struct sched_policy policy;
	struct knob_weight *weights; /* Of branches that are not here: 1. */
	size_t n_weights;
};

/* capqd's defaults, or what its configuration file `path` says. The caller ends with
 * knobs_finish(), also after a failure. */
int knobs_init(struct knobs *knobs, const char *path, struct err *err);
void knobs_finish(struct knobs *knobs);

/* Set one, by the name and in the unit that its key has: "promise_slots" "25", or
 * "branches" "BRANCH=WEIGHT[,FAT_WEIGHT]". */
int knobs_set(struct knobs *knobs, const char *name, const char *text, struct err *err);

/* Append what knobs_set() takes to set one to what it is now; of several branches, that of each,
 * separated by blanks. */
void knobs_print(const struct knobs *knobs, const char *name, struct str *out);

double knobs_weight(const struct knobs *knobs, const char *branch, unsigned n_caps);

/* The builders of a configuration file. */
int knobs_read_farm(struct farm *farm, const char *path, struct err *err);

#endif
