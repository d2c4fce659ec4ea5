/* What one estimate says: quantiles, and what is left of a build that runs. */
#include <math.h>
#include <stddef.h>

#include "sched/estimate.h"
#include "sched/normal.h"

#define LONGEST_MS 1e15 /* 30,000 years: what does not fit anywhere is no answer. */

static double in_range(double ms)
{
	return fmax(0, fmin(ms, LONGEST_MS));
}

double estimate_median(const struct estimate *est)
{
	return in_range(exp(est->mu));
}

double estimate_quantile(const struct estimate *est, double p)
{
	return in_range(exp(est->mu + est->sigma * normal_quantile(p)));
}

/* The distribution above `elapsed_ms`, scaled to 1: P(X > x) = (1 - p) P(X > elapsed). In
 * logarithms, as both may be too small for a double. */
double estimate_remaining(const struct estimate *est, double elapsed_ms, double p)
{
	double z, z_end, rest;

	if (elapsed_ms < 1)
		return fmax(1, estimate_quantile(est, p));
	z = (log(elapsed_ms) - est->mu) / est->sigma;
	z_end = normal_log_upper_inverse(normal_log_upper(z) + log1p(-p));
	rest = elapsed_ms * expm1(est->sigma * (z_end - z));
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
