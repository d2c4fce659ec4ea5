/* Numbers, and what is to be said of them: quantiles, mean, the largest. Pure. */
#ifndef CAPQ_DAEMON_STATS_SAMPLE_H
#define CAPQ_DAEMON_STATS_SAMPLE_H

#include <stddef.h>

/* Zero-initialise it. */
struct sample {
	double *values; /* In the order in which they came. */
	size_t n, capacity;
};

void sample_add(struct sample *sample, double value);
void sample_finish(struct sample *sample);

double sample_mean(const struct sample *sample);

/* Sort the values: their order is gone. Needed by the next two. */
void sample_sort(struct sample *sample);

/* The quantile `p` (0 to 1), between two values in proportion; NAN when there are none. */
double sample_quantile(const struct sample *sorted, double p);
double sample_max(const struct sample *sorted);

/* The median of `n` values, which need no order and keep theirs. */
double median_of(const double *values, size_t n);

#endif
