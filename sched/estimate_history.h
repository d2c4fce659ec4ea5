/* What is remembered of past builds: packages, their sets, the last builds of each. Pure; shared by
 * the files of sched/ only. */
#ifndef CAPQ_SCHED_ESTIMATE_HISTORY_H
#define CAPQ_SCHED_ESTIMATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/str_map.h"
#include "sched/estimate.h"
#include "sched/estimate_model.h"

#define HISTORY_BUILDS 16            /* Remembered of a set. */
#define HISTORY_PACKAGE_SETS 24      /* Remembered of a package. */
#define HISTORY_SETS ((size_t)32768) /* Remembered in all: 20 MB. */

/* One build. 0 in `cores`, `memory` and `output`: not known. */
struct past_build {
	int64_t at_ms;
	float ln_cost; /* Of milliseconds on a builder of speed 1. */
	float cores, memory, output;
	uint32_t version; /* Hash of its text; 0: not known. */
};

struct set_history {
	char *set, *system;
	unsigned caps;
	struct past_build builds[HISTORY_BUILDS]; /* The oldest first. */
	size_t n;
	double bound_ln; /* ln of a lower bound since the last build; 0: none. */
	uint64_t last_used;
	uint64_t revision, drv; /* Last seen; 0: never. */

	/* What follows from the builds and the bound, kept. `weight` is in builds as good as the
	 * latest; 0: nothing is known. */
	double mean, weight;
	int64_t newest_ms;
};

struct package_history {
	char *name;
	struct set_history **sets;
	size_t n, capacity;
	bool is_pooled;                /* The set does not matter. */
	double noise_squares, noise_n; /* Of single builds around what was expected. */

	/* What it adds to the prior of other packages. */
	bool is_counted, has_shares;
	double level, shares[MODEL_SHARES];
};

struct history {
	struct package_history **packages;
	size_t n, capacity;
	size_t n_sets;
	struct str_map index; /* Name -> packages. */
	uint64_t clock;       /* Counts uses. */
};

void history_finish(struct history *history);

struct package_history *history_package(const struct history *history, const char *name);
struct set_history *history_set(
	const struct package_history *package, const struct estimate_key *key);

/* Find or add, and note that it is in use. When the history is full, an eighth of it goes: what was
 * not used for the longest; `on_forget` hears of each package that goes with its last set. */
void history_use(struct history *history, const struct estimate_key *key,
	struct package_history **out_package, struct set_history **out_set,
	void (*on_forget)(void *owner, const struct package_history *package), void *owner);

/* Remember a build; `noise` is the standard deviation of ln cost between builds of the package. */
void history_add_build(struct set_history *set, const struct past_build *build, double noise);

/* A build took at least as long as would make one of this cost likely. */
void history_add_bound(struct set_history *set, double ln_cost, int64_t at_ms, double noise);

uint32_t history_version(const char *version); /* 0 for NULL and "". */
unsigned history_caps(const char *set);        /* How many capabilities. */

#endif
