#include "sched/normal.h"

#include <math.h>

#define LOG_SQRT_2PI 0.918938533204672742 /* ln sqrt(2 pi) */

/* erfc() is exact enough until it gets near the smallest double, at about 37. */
#define ASYMPTOTIC_FROM 30.0

double normal_log_upper(double z)
{
	double z2 = z * z;

	if (z < ASYMPTOTIC_FROM)
		return log(0.5 * erfc(z * M_SQRT1_2));
	/* phi(z) / z * (1 - 1/z^2 + 3/z^4 - ...), Abramowitz & Stegun 26.2.12 */
	return -z2 / 2 - LOG_SQRT_2PI - log(z) + log1p((-1 + 3 / z2) / z2);
}

double normal_mean_above(double z)
{
	/* The hazard rate phi(z) / P(Z > z), which is also that mean. */
	return exp(-z * z / 2 - LOG_SQRT_2PI - normal_log_upper(z));
}
