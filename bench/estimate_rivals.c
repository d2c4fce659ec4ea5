#include "bench/estimate_rivals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static double latest(const struct rival_set *set)
{
	return set->ln_costs[set->n - 1];
}

static double decayed_mean(const struct rival_set *set)
{
	return set->decayed;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of_last(const struct rival_set *set)
{
	double sorted[RIVAL_BUILDS];

	memcpy(sorted, set->ln_costs, sizeof sorted);
	array_sort(sorted, set->n, sizeof *sorted, by_value);
	return (sorted[set->n / 2] + sorted[(set->n - 1) / 2]) / 2;
}

static double mean_of_last(const struct rival_set *set)
{
	double sum = 0;

	for (size_t i = 0; i < set->n; i++)
		sum += set->ln_costs[i];
	return sum / (double)set->n;
}

const struct rival rival_table[] = {
	{ "the latest", latest },
	{ "decayed log-mean", decayed_mean },
	{ "mean of last 15", mean_of_last },
	{ "median of last 15", median_of_last },
};
const size_t n_rivals = ARRAY_LEN(rival_table);

void rivals_finish(struct rivals *rivals)
{
	for (size_t i = 0; i < rivals->index.size; i++)
		free((char *)rivals->index.keys[i]);
	for (size_t i = 0; i < rivals->n; i++) {
		free(rivals->sets[i].package);
		free(rivals->sets[i].set);
	}
	free(rivals->sets);
	free(rivals->all);
	str_map_finish(&rivals->index);
	memset(rivals, 0, sizeof *rivals);
}

static char *key_of(const char *package, const char *set)
{
	char *key;

	if (asprintf(&key, "%s %s", package, set) < 0)
		abort();
	return key;
}

static const struct rival_set *find(
	const struct rivals *rivals, const char *package, const char *set)
{
	cleanup_free char *key = key_of(package, set);
	uint32_t at = str_map_get(&rivals->index, key);

	return at == STR_MAP_NONE ? NULL : &rivals->sets[at];
}

void rivals_learn(
	struct rivals *rivals, const char *package, const char *set, unsigned caps, double ln_cost)
{
	struct rival_set *s = (struct rival_set *)find(rivals, package, set);

	if (s == NULL) {
		array_reserve(&rivals->sets, &rivals->capacity, rivals->n + 1, sizeof *s);
		str_map_set(&rivals->index, key_of(package, set), (uint32_t)rivals->n);
		s = &rivals->sets[rivals->n++];
		*s = (struct rival_set){
			.package = xstrdup(package), .set = xstrdup(set), .caps = caps
		};
		s->decayed = ln_cost;
	}
	if (s->n == RIVAL_BUILDS)
		memmove(s->ln_costs, s->ln_costs + 1, --s->n * sizeof *s->ln_costs);
	s->ln_costs[s->n++] = ln_cost;
	s->decayed += (ln_cost - s->decayed) / 3;
	array_reserve(&rivals->all, &rivals->all_capacity, rivals->n_all + 1, sizeof(double));
	rivals->all[rivals->n_all++] = ln_cost;
}

/* ln(a + b * caps) by least squares over the sets of the package; NAN: there is none. */
static double by_other_sets(
	const struct rivals *rivals, const struct rival *rival, const char *package, unsigned caps)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0, slope = 0, cost;

	for (size_t i = 0; i < rivals->n; i++) {
		const struct rival_set *s = &rivals->sets[i];

		if (strcmp(s->package, package) != 0)
			continue;
		cost = exp(rival->summary(s));
		n++;
		x += s->caps;
		y += cost;
		xx += (double)s->caps * s->caps;
		xy += s->caps * cost;
	}
	if (n == 0)
		return NAN;
	if (n * xx - x * x > 0.5)
		slope = fmax(0, (n * xy - x * y) / (n * xx - x * x));
	cost = y / n + slope * (caps - x / n);
	return log(fmax(cost, y / n / 10));
}

static double median_of_all(struct rivals *rivals)
{
	if (rivals->n_all == 0)
		return log(600e3);
	if (rivals->n_sorted < rivals->n_all)
		array_sort(rivals->all, rivals->n_all, sizeof(double), by_value);
	rivals->n_sorted = rivals->n_all;
	return rivals->all[rivals->n_all / 2];
}

double rivals_get(struct rivals *rivals, const struct rival *rival, const char *package,
	const char *set, unsigned caps)
{
	const struct rival_set *s = find(rivals, package, set);
	double ln_cost;

	if (s != NULL)
		return rival->summary(s);
	ln_cost = by_other_sets(rivals, rival, package, caps);
	return isnan(ln_cost) ? median_of_all(rivals) : ln_cost;
}
