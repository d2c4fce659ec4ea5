#include "sched/estimate_model.h"

#include <math.h>

/* ln cost of `caps` capabilities over that of one, for a share of the grid 0, 0.1 ... 1. */
static double growth(size_t share, unsigned caps)
{
	return caps <= 1 ? 0 : log1p((double)share / (MODEL_SHARES - 1) * (caps - 1));
}

/* Turn logarithms of probabilities into probabilities. */
static void normalise(double log_probability[MODEL_SHARES])
{
	double highest = -INFINITY, sum = 0;

	for (size_t g = 0; g < MODEL_SHARES; g++)
		highest = fmax(highest, log_probability[g]);
	for (size_t g = 0; g < MODEL_SHARES; g++)
		sum += log_probability[g] = exp(log_probability[g] - highest);
	for (size_t g = 0; g < MODEL_SHARES; g++)
		log_probability[g] /= sum;
}

void model_fit(const struct model_prior *prior, const struct model_view *views, size_t n,
	double between, struct model_fit *out)
{
	out->between = between;
	for (size_t g = 0; g < MODEL_SHARES; g++) {
		/* The prior and each view are one measurement of the level: they are weighted by
		 * their precision, and what they differ by tells how probable the share is. */
		double precision = 1 / prior->level_variance;
		double sum = precision * prior->level;
		double squares = sum * prior->level;

		for (size_t i = 0; i < n; i++) {
			double p = 1 / (views[i].variance + between);
			double level = views[i].mean - growth(g, views[i].caps);

			precision += p;
			sum += p * level;
			squares += p * level * level;
		}
		out->level[g] = sum / precision;
		out->variance[g] = 1 / precision;
		out->probability[g] = log(prior->weight[g]) - (squares - sum * sum / precision) / 2;
	}
	normalise(out->probability);
}

void model_predict(const struct model_fit *fit, unsigned caps, const struct model_view *own,
	double *out_mean, double *out_variance)
{
	/* How far to go from what the package says to what the set itself says. */
	double pull = own == NULL || fit->between <= 0
			      ? 0
			      : own->recent * fit->between / (fit->between + own->variance);
	double effect = own == NULL ? fit->between : fit->between * (1 - own->recent * pull);
	double mean = 0, square = 0;

	for (size_t g = 0; g < MODEL_SHARES; g++) {
		double at = fit->level[g] + growth(g, caps);
		double variance = fit->variance[g] * (1 - pull) * (1 - pull);

		if (own != NULL)
			at += pull * (own->mean - at);
		mean += fit->probability[g] * at;
		square += fit->probability[g] * (variance + at * at);
	}
	*out_mean = mean;
	*out_variance = fmax(0, square - mean * mean) + effect;
}

double model_level(const struct model_fit *fit)
{
	double level = 0;

	for (size_t g = 0; g < MODEL_SHARES; g++)
		level += fit->probability[g] * fit->level[g];
	return level;
}
