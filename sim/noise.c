#include "sim/noise.h"

#include <math.h>

/* splitmix64 (Steele, Lea, Flood 2014), as a number in (0, 1). */
static double next_uniform(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

/* Normal, by Box and Muller. */
static double next_normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(next_uniform(state)));

	return radius * cos(2 * M_PI * next_uniform(state));
}

void noise_add(struct trace *trace, double sigma, uint64_t seed)
{
	uint64_t state = seed;

	for (size_t i = 0; i < trace->n; i++)
		trace->work_ms[i] =
			llround((double)trace->work_ms[i] * exp(sigma * next_normal(&state)));
}
