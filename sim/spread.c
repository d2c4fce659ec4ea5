#include "sim/spread.h"

#include <math.h>

#include "lib/mem.h"

void numbers_add(struct numbers *numbers, double value)
{
	array_reserve(&numbers->items, &numbers->capacity, numbers->n + 1, sizeof value);
	numbers->items[numbers->n++] = value;
}

static int compare_numbers(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double numbers_mean(const struct numbers *numbers)
{
	double sum = 0;

	for (size_t i = 0; i < numbers->n; i++)
		sum += numbers->items[i];
	return numbers->n > 0 ? sum / (double)numbers->n : 0;
}

double numbers_quantile(const struct numbers *sorted, double p)
{
	double at = ceil(p * (double)sorted->n) - 1;

	return sorted->n > 0 ? sorted->items[(size_t)fmax(at, 0)] : 0;
}

void numbers_sort(struct numbers *numbers)
{
	array_sort(numbers->items, numbers->n, sizeof(double), compare_numbers);
}

void numbers_spread(struct numbers *numbers, double out[SPREADS])
{
	numbers_sort(numbers);
	out[SPREAD_MEAN] = numbers_mean(numbers);
	out[SPREAD_P50] = numbers_quantile(numbers, 0.5);
	out[SPREAD_P95] = numbers_quantile(numbers, 0.95);
	out[SPREAD_P99] = numbers_quantile(numbers, 0.99);
	out[SPREAD_MAX] = numbers_quantile(numbers, 1);
}
