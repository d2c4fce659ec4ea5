/* Which ready build starts where, when to ask again, and why. Pure: no clock, no I/O, no SQL.
 *
 * The schedule knows every build that is not valid yet, what each needs, who wants it, and the
 * builders. Its user tells it what happens and asks what to do; a decision is a value, which
 * changes nothing until the user says that it was carried out:
 *
 *   sched_add(s, &torch, needs, 2)      a build and what it needs
 *   sched_set_want(s, torch, &want)     a job wants it, and hence what it needs
 *   sched_set_ready(s, magma)           its inputs are valid and rooted
 *   sched_decide(s, now, &decision)     -> start magma on builder "local", or nothing until then
 *   sched_started(s, &decision, now)    it runs
 *   sched_built(s, magma, ...)          valid: what waited only for it is told
 *
 * Behind this interface stands, for now, first come first served (order.h): bumped builds first,
 * then higher priority, then the older wish. Times are milliseconds on the user's clock, which must
 * never run backwards. */
#ifndef CAPQ_SCHED_SCHEDULE_H
#define CAPQ_SCHED_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/job.h"

struct sched;

/* Builders have slots of two kinds: a download must not wait behind ten hours of torch. */
enum sched_lane {
	SCHED_BUILD,
	SCHED_FETCH, /* Fixed-output derivations. */
	SCHED_LANES,
};

enum sched_class {
	SCHED_NORMAL,
	SCHED_LEFTOVER, /* Runs only when nothing else is ready. */
};

#define SCHED_BATCH_MAX 100

/* What is known of a build when it is added. */
struct sched_build {
	int64_t id; /* > 0 */
	enum sched_lane lane;
	enum sched_class class;
	uint32_t system;   /* From sched_system(). */
	uint64_t features; /* From sched_features(). */
	double cost_ms; /* Estimated median of its duration on a builder of speed 1; 0: unknown. */
	double cost_sigma; /* Spread of its logarithm. */
};

struct sched_builder {
	const char *name; /* Copied. */
	uint32_t systems; /* A bit each: 1 << sched_system(). */
	uint64_t features;
	uint32_t slots[SCHED_LANES];
	double speed; /* 1 is the builder that costs are measured in. */
};

enum sched_rule {
	SCHED_RULE_FIRST_COME, /* It was the first in the order. */
	SCHED_RULE_BUMPED,     /* Somebody put it first. */
};

struct sched_decision {
	size_t n; /* Builds to start together in one slot; 0: start nothing. */
	int64_t builds[SCHED_BATCH_MAX];
	uint32_t builder; /* Index in the builders. */
	enum sched_lane lane;
	enum sched_rule rule;
	int64_t runner_up;    /* Which build would have been next; 0: none. */
	int64_t ask_again_ms; /* With n == 0: when time alone may change the answer; INT64_MAX:
				 never. */
};

enum sched_state {
	SCHED_UNKNOWN, /* Never added, built, or removed. */
	SCHED_BLOCKED, /* Needs builds that are not valid. */
	SCHED_OPEN, /* Needs none any more; its user has not said yet that its inputs are rooted. */
	SCHED_READY,
	SCHED_RUNNING,
};

enum sched_why_rule {
	SCHED_WHY_NEEDS,      /* `other` is not built yet; `n` such in all. */
	SCHED_WHY_INPUTS,     /* Open: its user is at it. */
	SCHED_WHY_LATER,      /* Not before `until_ms`. */
	SCHED_WHY_HELD,       /* Every job that needs it is on hold, or none does. */
	SCHED_WHY_NO_BUILDER, /* No builder has its system and features. */
	SCHED_WHY_BUSY, /* All fitting slots (`slots`) are taken; `n` builds are before it, or more
			 * when that is as far as was counted, and `other` is the nearest of them.
			 */
	SCHED_WHY_RUNS, /* It runs on `builder`. */
};

struct sched_why {
	enum sched_why_rule rule;
	int64_t other; /* A build; 0: none. */
	size_t n, slots;
	int64_t until_ms;
	uint32_t builder;
};

/* How builds that are known to be cheap share a slot. */
struct sched_batching {
	double cost_ms; /* Estimated to take less than this; 0: no batches. */
	size_t max;     /* 1..SCHED_BATCH_MAX */
};

struct sched *sched_create(void);
void sched_destroy(struct sched *s); /* NULL is harmless. */

/* The number of a system name, the bits of a list of features separated by blanks. The same name
 * always gets the same number. CAPQ_ETOOBIG when there are more than 32 systems or 64 features. */
int sched_system(struct sched *s, const char *name, uint32_t *out, struct err *err);
int sched_features(struct sched *s, const char *names, uint64_t *out, struct err *err);

/* Replace all builders. What runs goes on, also on a builder that is gone or has fewer slots now;
 * indices of builders with a name that stays keep their meaning. */
void sched_set_builders(struct sched *s, const struct sched_builder *builders, size_t n);
void sched_set_batching(struct sched *s, struct sched_batching batching);
size_t sched_n_builders(const struct sched *s);
const char *sched_builder_name(const struct sched *s, uint32_t builder);
uint32_t sched_running(const struct sched *s, uint32_t builder, enum sched_lane lane);

/* True when a builder has the system and the features. */
bool sched_has_builder(const struct sched *s, uint32_t system, uint64_t features);

/* Add a build that needs the `n` builds at `needs`; those that the schedule does not know are taken
 * for valid. It is BLOCKED, or OPEN when nothing is left. Nobody wants it yet. */
void sched_add(struct sched *s, const struct sched_build *build, const int64_t *needs, size_t n);

/* Let a build that does not run need one more. False, and nothing changed, when that would be a
 * circle. An unknown one is taken for valid. */
bool sched_add_need(struct sched *s, int64_t build, int64_t need);

/* The same for what was so before: an edge that is known to make no circle. */
void sched_restore_need(struct sched *s, int64_t build, int64_t need);

/* Say who wants the build itself. What it needs is wanted as much as the most urgent of what needs
 * it; the schedule keeps that. */
void sched_set_want(struct sched *s, int64_t build, const struct want *want);
bool sched_is_wanted(const struct sched *s, int64_t build); /* Also by jobs that are on hold. */
const struct want *sched_want(const struct sched *s, int64_t build); /* With what needs it. */

void sched_set_ready(struct sched *s, int64_t build, int64_t not_before_ms); /* OPEN -> READY */
void sched_set_cost(struct sched *s, int64_t build, double cost_ms, double cost_sigma);

/* What to start now. O(builders x kinds + log n), a kind being one (lane, system, features). */
void sched_decide(struct sched *s, int64_t now_ms, struct sched_decision *out);

/* The decision was carried out: its builds run in one slot until each has left. */
void sched_started(struct sched *s, const struct sched_decision *decision, int64_t now_ms);

/* RUNNING -> OPEN: it has to run again. READY -> OPEN as well. */
void sched_requeue(struct sched *s, int64_t build);

/* It is valid: it leaves the schedule. `on_open` is called for every build that needed nothing
 * else; it may call sched_set_ready(). */
void sched_built(
	struct sched *s, int64_t build, void (*on_open)(void *owner, int64_t build), void *owner);

/* It will not be built: it leaves, and with it everything that needs it, directly or not. */
void sched_remove(struct sched *s, int64_t build);

enum sched_state sched_state(const struct sched *s, int64_t build);
size_t sched_needs_left(const struct sched *s, int64_t build); /* How many it still needs. */
size_t sched_n(const struct sched *s);                         /* Builds it knows. */

/* Call `each` for the builds that need `build`, or that it still needs: the direct ones, or all of
 * them, each once. The schedule must not be changed meanwhile. */
void sched_each_dependent(const struct sched *s, int64_t build,
	void (*each)(void *owner, int64_t other), void *owner);
void sched_each_need(const struct sched *s, int64_t build, void (*each)(void *owner, int64_t other),
	void *owner);
void sched_each_above(
	struct sched *s, int64_t build, void (*each)(void *owner, int64_t other), void *owner);
void sched_each_below(
	struct sched *s, int64_t build, void (*each)(void *owner, int64_t other), void *owner);

/* Why a known build does not run (or that it does). O(n) for a ready one: for people only, and for
 * one build. Of many, sched_why_roughly() counts what is before each up to `max` only, in O(max).
 */
void sched_why(const struct sched *s, int64_t build, int64_t now_ms, struct sched_why *out);
void sched_why_roughly(
	const struct sched *s, int64_t build, int64_t now_ms, size_t max, struct sched_why *out);

#endif
