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

/* For the upper half, z >= 0, by Newton's method: ln P(Z > z) is concave and falls with the slope
 * -hazard, so the steps come down to the answer from the right, at the latest from the second on.
 */
static double upper_half(double log_upper)
{
	double z = log_upper < -1 ? sqrt(-2 * log_upper) : 0;

	for (int i = 0; i < 50; i++) {
		double step = (normal_log_upper(z) - log_upper) / normal_mean_above(z);

		z += step;
		if (fabs(step) <= 1e-13 * fmax(1, z))
			break;
	}
	return z;
}

double normal_log_upper_inverse(double log_upper)
{
	if (log_upper > -M_LN2)
		return -upper_half(log(-expm1(log_upper)));
	return upper_half(log_upper);
}

double normal_quantile(double p)
{
	return normal_log_upper_inverse(log1p(-p));
}
