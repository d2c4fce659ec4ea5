/* What builds cost: history in, a distribution out. Pure: no clock, no I/O, no SQL; every time is
 * given by the caller, in milliseconds on one clock.
 *
 *   estimates_learn(e, &sample)                 a build ended
 *   estimates_get(e, &key, NULL, now, &cost)    what would this one cost?
 *   estimate_quantile(&cost, 0.9)               ... at most, nine times out of ten
 *   estimate_remaining(&cost, elapsed, 0.5)     ... from here, now that it has run so long
 *
 * A cost is time on a builder of speed 1; on another it takes cost / speed, when the speed that is
 * configured is right. How far it is not is learnt as well (estimates_builder_factor()): so a slow
 * builder's times do not make packages dear, and people can see which speed to correct. Its
 * logarithm is nearly normal, with the mean `mu` and the standard deviation `sigma`, so exp(mu) is
 * its median; only its tails are heavier.
 *
 * All that is known follows from the calls in their order: whoever makes the same calls again, for
 * instance with a history read from a data base, gets the same answers to the last bit. Memory is
 * bounded; what was heard of least recently is forgotten first. */
#ifndef CAPQ_SCHED_ESTIMATE_H
#define CAPQ_SCHED_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct estimates;

/* What history is kept by. All texts are only read during a call. */
struct estimate_key {
	const char *package; /* Its name without the version. */
	/* Canonical text of the capability set, with its "+PTX"; "", "any" or NULL: there is none.
	 */
	const char *set;
	const char *system; /* NULL is "". */
};

enum estimate_outcome {
	ESTIMATE_BUILT,
	ESTIMATE_FAILED,  /* By itself: it would have taken at least so long, or we don't know. */
	ESTIMATE_STOPPED, /* By somebody, a time limit or a crash: the same. */
};

/* A build that ended. */
struct estimate_sample {
	struct estimate_key key;
	const char *version; /* NULL or "": not known. */
	enum estimate_outcome outcome;
	int64_t at_ms;             /* When it ended. */
	int64_t wall_ms;           /* How long it took; below 1 it teaches nothing. */
	int64_t core_ms;           /* CPU time; -1: not known. */
	int64_t peak_memory_bytes; /* -1: not known. */
	int64_t output_bytes;      /* -1: not known. */
	const char *builder;       /* NULL: not known. */
	double speed;              /* What the builder is said to have; 0: 1. */
};

/* What an estimate rests on, best first. */
enum estimate_basis {
	ESTIMATE_SET,        /* Builds of this very set (or of any, when it does not matter). */
	ESTIMATE_OTHER_SETS, /* Builds of the package for other sets. */
	ESTIMATE_PACKAGE,    /* Builds of the package for another system. */
	ESTIMATE_EVERYTHING, /* All packages. */
	ESTIMATE_BASES,
};

struct estimate {
	double mu, sigma; /* Of ln(milliseconds). */
	enum estimate_basis basis;
	size_t n;                  /* Builds remembered on that basis; with EVERYTHING, packages. */
	double cores;              /* CPU time / time, median; 0: not known. */
	int64_t peak_memory_bytes; /* Median; -1: not known. */
	int64_t output_bytes;      /* Median; -1: not known. */
};

struct estimates *estimates_create(void);
void estimates_destroy(struct estimates *e); /* NULL is harmless. */

/* Take in a build that ended. One that was not BUILT is only a lower bound: it can raise an
 * estimate, never lower it, so that a fast failure teaches nothing. Calls come in order of time;
 * what is older than the latest call is taken as being as old as that. */
void estimates_learn(struct estimates *e, const struct estimate_sample *sample);

/* Of one revision, the package with this set has the derivation `drv` (any hash of its name and of
 * the revision's). When a package has the same one under two sets, the set does not matter and its
 * history is kept as one; when they differ, it does. The latest of the two that was seen counts;
 * never seen, it does. */
void estimates_saw(struct estimates *e, const struct estimate_key *key, uint64_t revision,
	uint64_t drv, int64_t now_ms);

/* What a build would cost. `version` as in a sample: one that was never built has a wider spread.
 * There is always an answer. */
void estimates_get(const struct estimates *e, const struct estimate_key *key, const char *version,
	int64_t now_ms, struct estimate *out);

/* How many times longer a builder takes than its speed says, against the average of all builders
 * over recent builds, learnt; 1 when it is not known. Its speed should be so many times smaller. */
double estimates_builder_factor(const struct estimates *e, const char *builder);

/* Call `each` for the builders that are known: those that built something that had been built twice
 * before. `n` is about how many such builds count, at most a hundred. */
void estimates_each_builder(const struct estimates *e,
	void (*each)(void *owner, const char *builder, size_t n), void *owner);

size_t estimates_n_packages(const struct estimates *e); /* Names remembered. */

/* ---- of one estimate; all results are in milliseconds, finite and at least 0 ---- */

double estimate_median(const struct estimate *est);
double estimate_quantile(const struct estimate *est, double p); /* 0 < p < 1 */

/* How much longer a build takes that has taken `elapsed_ms` already (in the time of a builder of
 * speed 1): the quantile `p` of its rest. Grows with what it has overrun; never 0. */
double estimate_remaining(const struct estimate *est, double elapsed_ms, double p);

const char *estimate_basis_name(enum estimate_basis basis); /* "set", "other-sets", ... */

#endif
