/* What one estimate says: quantiles, and what is left of a build that runs. */
#include <math.h>
#include <stddef.h>

#include "sched/estimate.h"
#include "sched/normal.h"

#define SIGMA_MIN 1e-6  /* No spread at all would be no distribution. */
#define LONGEST_MS 1e15 /* 30,000 years: what does not fit anywhere is no answer. */

static double in_range(double ms)
{
	return fmax(0, fmin(ms, LONGEST_MS));
}

/* One build in ten is of another kind: its machine was busy, or something big changed. So ln cost
 * is a mixture of two normal distributions with the same mean, whose tails are what is seen in
 * traces; p10 and p90 are nearly those of the normal one. */
#define ODD_SHARE 0.1
#define ODD_WIDTH 2.0   /* In units of `sigma`. */
#define USUAL_WIDTH 0.9 /* The same. */

/* ln P(cost > exp(mu + z * sigma)) */
static double log_upper(double z)
{
	double usual = log(1 - ODD_SHARE) + normal_log_upper(z / USUAL_WIDTH);
	double odd = log(ODD_SHARE) + normal_log_upper(z / ODD_WIDTH);
	double more = fmax(usual, odd), less = fmin(usual, odd);

	return more + log1p(exp(less - more));
}

/* z >= `from` with log_upper(z) = `wanted`, by bisection: it falls all the way. */
static double log_upper_inverse(double wanted, double from)
{
	double low = from, high = from + 1, middle;

	while (log_upper(high) > wanted) {
		low = high;
		high = from + 2 * (high - from);
	}
	for (;;) {
		middle = low + (high - low) / 2;
		if (middle <= low || middle >= high || high - low < 1e-12 * fmax(1, fabs(high)))
			return middle;
		if (log_upper(middle) > wanted)
			low = middle;
		else
			high = middle;
	}
}

double estimate_median(const struct estimate *est)
{
	return in_range(exp(est->mu));
}

double estimate_quantile(const struct estimate *est, double p)
{
	double z = p < 0.5 ? -log_upper_inverse(log(p), 0) : log_upper_inverse(log1p(-p), 0);

	return in_range(exp(est->mu + est->sigma * z));
}

/* What lies above `elapsed_ms`, scaled to 1: P(cost > x) = (1 - p) P(cost > elapsed). In
 * logarithms, as both may be too small for a double. */
double estimate_remaining(const struct estimate *est, double elapsed_ms, double p)
{
	double sigma = fmax(est->sigma, SIGMA_MIN), z, z_end, rest;

	if (elapsed_ms <= 0)
		return fmax(1, estimate_quantile(est, p));
	z = (log(elapsed_ms) - est->mu) / sigma;
	z_end = log_upper_inverse(log_upper(z) + log1p(-p), z);
	rest = elapsed_ms * expm1(sigma * (z_end - z));
	return fmax(1, in_range(rest));
}

const char *estimate_basis_name(enum estimate_basis basis)
{
	static const char *const names[ESTIMATE_BASES] = {
		[ESTIMATE_SET] = "set",
		[ESTIMATE_OTHER_SETS] = "other-sets",
		[ESTIMATE_PACKAGE] = "package",
		[ESTIMATE_EVERYTHING] = "everything",
	};

	return names[basis];
}
