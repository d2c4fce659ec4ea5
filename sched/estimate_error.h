/* How good the estimates were: factors between what was expected and what it took, counted by class
 * and by week. Pure, 14 kilobytes, zero-initialised. */
#ifndef CAPQ_SCHED_ESTIMATE_ERROR_H
#define CAPQ_SCHED_ESTIMATE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "sched/estimate.h"

#define ESTIMATE_ERROR_CLASSES 8  /* What they mean is the caller's: the basis, thin and fat. */
#define ESTIMATE_ERROR_WEEKS 9    /* As far back as is remembered, this week included. */
#define ESTIMATE_ERROR_BUCKETS 48 /* Each is 5 % wide; the last holds everything over 10 x. */

struct estimate_error_week {
	int64_t week; /* Number of the week since 1970; anything else in here is of that week. */
	uint32_t within[ESTIMATE_ERROR_CLASSES]; /* Inside p10..p90. */
	uint32_t over[ESTIMATE_ERROR_CLASSES];   /* It took longer than the median. */
	uint32_t counts[ESTIMATE_ERROR_CLASSES][ESTIMATE_ERROR_BUCKETS];
};

struct estimate_errors {
	struct estimate_error_week weeks[ESTIMATE_ERROR_WEEKS];
};

struct estimate_error_summary {
	uint64_t n;
	double median, p90; /* Error factors, >= 1: 1.25 is 25 % over or 1/1.25 of it. */
	double within;      /* Share of outcomes inside p10..p90, 0..1; 0.8 is right. */
	double over;        /* Share that took longer than the median; 0.5 is right. */
};

/* A build that was expected to cost `est` took `cost_ms`. */
void estimate_errors_add(struct estimate_errors *errors, unsigned class, int64_t at_ms,
	const struct estimate *est, double cost_ms);

/* Of the classes in `classes` (a bit each), in the last `weeks` weeks (1: only this one). */
void estimate_errors_get(const struct estimate_errors *errors, unsigned classes, int64_t now_ms,
	unsigned weeks, struct estimate_error_summary *out);

#endif
