/* Numbers, and how they are spread. */
#ifndef CAPQ_SIM_SPREAD_H
#define CAPQ_SIM_SPREAD_H

#include <stddef.h>

enum spread {
	SPREAD_MEAN,
	SPREAD_P50,
	SPREAD_P95,
	SPREAD_P99,
	SPREAD_MAX,
	SPREADS,
};

/* Zero-initialise it; the caller frees the items. */
struct numbers {
	double *items;
	size_t n, capacity;
};

void numbers_add(struct numbers *numbers, double value);
void numbers_sort(struct numbers *numbers);

/* The smallest of sorted numbers that is at least so large as the part `p` of them; 0 of none. */
double numbers_quantile(const struct numbers *sorted, double p);
double numbers_mean(const struct numbers *numbers); /* 0 of none. */

/* Sorts them. */
void numbers_spread(struct numbers *numbers, double out[SPREADS]);

#endif
