/* How good a schedule was: the figures of tools/score.py, by the same names.
 *
 * A build is satisfied when it, or a later one of its package, set and branch, has ended.
 *
 *   stretch    time until satisfied / own work
 *   slowdown   time until satisfied / cost, at least 1
 *
 * both with at least a minute below the line. */
#ifndef CAPQ_SIM_SCORE_H
#define CAPQ_SIM_SCORE_H

#include "sim/engine.h"
#include "sim/spread.h"
#include "sim/yardstick.h"

struct score {
	double stretch[SPREADS], slowdown[SPREADS];
	double class_slowdown[BUILD_CLASSES][SPREADS], class_stretch_mean[BUILD_CLASSES];
	double thin_wait_mean_m, thin_wait_p99_m; /* Minutes beyond the ideal. */
	double fat_wait_mean_h, fat_wait_max_h;   /* Hours until satisfied, without own work. */
	double util;         /* Of all slots, from the first to the last submit. */
	double makespan_h;   /* From the first submit until the last end. */
	double lock_waste_h; /* Builds that took longer than their work. */
	double stale_h; /* Work of builds started though superseded, needed by none that ran. */
	double jobs_run, jobs;
	double jain; /* Fairness between submitters of 5 builds or more: 1 at best. */
	double green_mean_h, green_p95_h; /* From a revision of master to all its thin builds. */
};

void score_make(const struct yardstick *yardstick, const struct farm *farm,
	const struct sim_result *result, struct score *out);

/* The figures by name, such as "slo_mean", in the order of tools/score.py. NULL behind the last. */
const char *score_name(size_t i);
double score_value(const struct score *score, size_t i);

#endif
