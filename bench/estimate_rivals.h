/* Simpler ways to estimate costs, for comparison. */
#ifndef CAPQ_BENCH_ESTIMATE_RIVALS_H
#define CAPQ_BENCH_ESTIMATE_RIVALS_H

#include <stddef.h>

#include "lib/str_map.h"

#define RIVAL_BUILDS 15

/* What all of them remember: the last builds of each set. */
struct rival_set {
	char *package, *set;
	unsigned caps;
	double ln_costs[RIVAL_BUILDS]; /* The oldest first. */
	size_t n;
	double decayed; /* Their mean, each new one counting a third. */
};

struct rivals {
	struct rival_set *sets;
	size_t n, capacity;
	struct str_map index; /* "package set" -> sets. */
	double *all;          /* ln of every cost. */
	size_t n_all, all_capacity;
	size_t n_sorted; /* Of `all`, from the front. */
};

struct rival {
	const char *name;
	double (*summary)(const struct rival_set *set);
};

extern const struct rival rival_table[];
extern const size_t n_rivals;

void rivals_finish(struct rivals *rivals);
void rivals_learn(
	struct rivals *rivals, const char *package, const char *set, unsigned caps, double ln_cost);

/* ln of the cost as the rival sees it: by the set; else a + b * n by least squares through the
 * other sets of the package; else the median of everything. */
double rivals_get(struct rivals *rivals, const struct rival *rival, const char *package,
	const char *set, unsigned caps);

#endif
