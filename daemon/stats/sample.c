#include "daemon/stats/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void sample_add(struct sample *sample, double value)
{
	array_reserve(&sample->values, &sample->capacity, sample->n + 1, sizeof *sample->values);
	sample->values[sample->n++] = value;
}

void sample_finish(struct sample *sample)
{
	free(sample->values);
	memset(sample, 0, sizeof *sample);
}

double sample_mean(const struct sample *sample)
{
	double sum = 0;

	for (size_t i = 0; i < sample->n; i++)
		sum += sample->values[i];
	return sample->n == 0 ? NAN : sum / (double)sample->n;
}

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void sample_sort(struct sample *sample)
{
	array_sort(sample->values, sample->n, sizeof *sample->values, compare_numbers);
}

double sample_quantile(const struct sample *sorted, double p)
{
	double at;
	size_t below;

	if (sorted->n == 0)
		return NAN;
	at = p * (double)(sorted->n - 1);
	below = (size_t)at;
	if (below + 1 >= sorted->n)
		return sorted->values[sorted->n - 1];
	return sorted->values[below] +
	       (at - (double)below) * (sorted->values[below + 1] - sorted->values[below]);
}

double sample_max(const struct sample *sorted)
{
	return sample_quantile(sorted, 1);
}

double median_of(const double *values, size_t n)
{
	struct sample copy = { 0 };
	double median;

	for (size_t i = 0; i < n; i++)
		sample_add(&copy, values[i]);
	sample_sort(&copy);
	median = sample_quantile(&copy, 0.5);
	sample_finish(&copy);
	return median;
}
