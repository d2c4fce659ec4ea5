/* A model of the schedule that keeps no heaps, no sums, no edges both ways and nothing of age: it
 * searches everything anew at every question, from the words of schedule.h and the formula of
 * score.h. Random operations are done to it and to the schedule; after each, both must say the same
 * of every build, and decide the same. The first difference is printed, and ends the program.
 *
 *   sched_model.c          what the rules say of a world
 *   sched_model_compare.c  whether the schedule says the same
 *   sched_model_run.c      operations
 *
 * Where rounding may put two scores either way, either way is right. */
#ifndef CAPQ_TESTS_SUPPORT_SCHED_MODEL_H
#define CAPQ_TESTS_SUPPORT_SCHED_MODEL_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sched/schedule.h"

#define MODEL_BUILDS 20
#define MODEL_BUILDERS 3
#define MODEL_SUBMITTERS 3

enum model_rank {
	MODEL_UNWANTED,
	MODEL_HELD,
	MODEL_LEFTOVER,
	MODEL_NORMAL,
};

/* What a build's own want and all that needs it ask for, of each the most urgent. */
struct model_view {
	enum model_rank rank;
	int64_t bumped_ms, since_ms, start_by_ms;
	uint32_t submitter;
};

/* Builds are their index + 1 to the schedule. */
struct model_build {
	struct sched_build spec;
	enum sched_state state; /* SCHED_UNKNOWN: not there. */
	bool needs[MODEL_BUILDS];
	struct sched_want own;
	int64_t not_before_ms;
	size_t run; /* Index in the runs, while RUNNING. */

	struct model_view view; /* Found anew by model_look(). */
	bool is_seen;
};

struct model_run {
	size_t n; /* Builds still in it; 0: the place is free. */
	double cost_ms, cost_sigma, charged_ms;
	int64_t started_ms;
	uint32_t builder, submitter;
	enum sched_lane lane;
	enum sched_rule rule;
	bool is_long;
};

struct model {
	struct model_build builds[MODEL_BUILDS];
	struct model_run runs[MODEL_BUILDS];
	struct sched_builder builders[MODEL_BUILDERS];
	struct sched_policy policy;
	struct sched_batching batching;
	double used_ms[MODEL_SUBMITTERS]; /* Decayed to now_ms. */
	double long_ms;
	bool long_fell; /* It has been more: builds may still stand among those that were not long.
			 */
	int64_t now_ms;
	struct sched *s;
	const char *name; /* Printed with the first difference, and after how many operations. */
	size_t step;
};

#define MODEL_HOLDS(m, what)                                                                       \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			(void)fprintf(stderr, "%s, step %zu: not so: %s (%s:%d)\n", (m)->name,     \
				(m)->step, #what, __FILE__, __LINE__);                             \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define MODEL_NEARLY(x, y) (fabs((x) - (y)) <= 1e-4 * fmax(fabs(x), fabs(y)) + 1e-9)

static inline int64_t model_id(size_t i)
{
	return (int64_t)i + 1;
}

/* What a build finds free, on all builders that fit. */
struct model_pool {
	uint32_t builder; /* The one to take; MODEL_BUILDERS: none has a free slot. */
	uint32_t n_slots, n_free, n_long, long_max, n_promised, promised_max;
};

bool model_is_there(const struct model *m, size_t i);
size_t model_n_needs(const struct model *m, size_t i);
bool model_reaches(const struct model *m, size_t from, size_t to); /* By needs; itself too. */
void model_look(struct model *m);                                  /* Find all views. */
double model_chain_ms(const struct model *m, size_t i); /* Of itself and the longest below. */
double model_score(const struct model *m, size_t i);    /* With age and share. */
double model_share(const struct model *m, uint32_t submitter);
int64_t model_promise(const struct model *m); /* What a promise made now would be. */
double model_rest_ms(const struct model *m, const struct model_run *run);
bool model_is_long(const struct model *m, size_t i);
void model_pool_of(const struct model *m, size_t i, struct model_pool *out);

bool model_is_queued(const struct model *m, size_t i);       /* It may start but for slots. */
bool model_may_start(const struct model *m, size_t i);       /* Now. */
enum sched_rule model_rule(const struct model *m, size_t i); /* By which it may start. */

/* True when `a` surely is before `b`: in the order of its group; and by all the rules. */
bool model_is_before(const struct model *m, size_t a, size_t b);
bool model_goes_first(const struct model *m, size_t a, size_t b);

/* Both say the same of all builds, and decide the same; views are found first. */
void model_compare(struct model *m);
void model_compare_decision(struct model *m, struct sched_decision *out);

/* Where random numbers come from: `bytes` until they are used up, else a generator. */
struct model_draws {
	const uint8_t *bytes; /* NULL: numbers without end from `random`, which is not 0. */
	size_t n;
	uint64_t random;
};

/* At most so many operations; `name` is printed with the first difference. */
void model_run(struct model_draws *draws, size_t steps, const char *name);

#endif
