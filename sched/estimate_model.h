/* How the cost of one package grows with the number of capabilities. Pure; shared by the files of
 * sched/ only.
 *
 *   cost(set) = thin * (1 + share * (n - 1)) * set effect
 *
 * is a + b*n with another name for its parts: `thin` is a + b, what one capability costs, and
 * `share` is b / (a + b), 0 for a package to which the number does not matter and near 1 for one
 * that does nothing but compile kernels. In logarithms `level` = ln thin is normal for each share,
 * the shares are a grid with a probability each, and a set effect is normal with variance
 * `between`, so that all answers are sums (a hierarchical Bayesian model with partial pooling, as
 * in Gelman & Hill 2007). What other packages taught is the prior. */
#ifndef CAPQ_SCHED_ESTIMATE_MODEL_H
#define CAPQ_SCHED_ESTIMATE_MODEL_H

#include <stddef.h>

#define MODEL_SHARES 11

struct model_prior {
	double level, level_variance;
	double weight[MODEL_SHARES]; /* Of each share; any sum, none 0. */
};

/* What the builds for one set say together. */
struct model_view {
	unsigned caps;   /* Capabilities; 0 counts as 1. */
	double mean;     /* Of ln cost. */
	double variance; /* Of that mean, the effect of the set not counted. */
	double recent;   /* How much of the set's effect then is its effect now, 0..1. */
};

struct model_fit {
	double between; /* Variance of set effects. */
	double level[MODEL_SHARES], variance[MODEL_SHARES], probability[MODEL_SHARES];
};

/* What the package is like. Without views it is like the prior. */
void model_fit(const struct model_prior *prior, const struct model_view *views, size_t n,
	double between, struct model_fit *out);

/* Mean and variance of ln cost for a set, the noise of a single build not counted. `own` is the
 * view of that very set, one of those that were fitted, or NULL. */
void model_predict(const struct model_fit *fit, unsigned caps, const struct model_view *own,
	double *out_mean, double *out_variance);

double model_level(const struct model_fit *fit); /* Its mean over the shares. */

#endif
