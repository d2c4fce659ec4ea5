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
 *   sched_built(s, magma, now, ...)     valid: what waited only for it is told
 *
 * The policy is SPR: score, promise, reserve. docs/scheduling.md tells it to people; score.h has
 * the formula. In the order in which the rules are applied when a slot is free:
 *
 *   bump      What somebody put first, the latest bump before earlier ones.
 *   promise   Each want has a time by which its build is to start. If one is overdue, and not too
 *             many slots serve promises already, the most overdue starts; of equally overdue
 *             ones that with the highest score, shares left out.
 *   reserve   Long builds may hold all slots but one in eight.
 *   score     The most useful per hour of cost: what it serves and what it unlocks.
 *
 * Leftovers start when nothing else can, or when their promise is overdue.
 *
 * Times are milliseconds on the user's clock, which must never run backwards; they may be negative
 * for what happened before it began. Costs are milliseconds on a builder of speed 1. The same calls
 * give the same decisions, whatever order equal builds were added in. */
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

#define SCHED_BATCH_MAX 100
#define SCHED_SUBMITTERS_MAX 256
#define SCHED_COST_MAX_MS (3652.5 * 24 * 3600 * 1000) /* Ten years; what costs more counts so. */

/* What is known of a build when it is added. */
struct sched_build {
	int64_t id; /* > 0 */
	enum sched_lane lane;
	uint32_t system;   /* From sched_system(). */
	uint64_t features; /* From sched_features(). */
	double cost_ms;    /* Estimated median of its duration on a builder of speed 1; what is
			      below 1 counts as 1. */
	double cost_sigma; /* Spread of its logarithm. */
};

/* Who wants a build itself: all jobs whose own derivation it is, taken together. What it needs is
 * wanted with it. */
struct sched_want {
	uint32_t jobs;       /* How many; 0: nobody. */
	bool is_held;        /* All of them are on hold: it is kept, and not started. */
	bool is_leftover;    /* None of them is more than a leftover. */
	int64_t bumped_ms;   /* When somebody last put one before all others; 0: never. */
	double weight;       /* Sum of the weights of those that are not held; 0..10,000. */
	uint32_t submitter;  /* Of the heaviest: from sched_submitter(). */
	int64_t since_ms;    /* It waits since then: when it was first asked for. */
	int64_t start_by_ms; /* SCHED_PROMISE_NOW: make the promise now. */
	double cost_ms;      /* Its estimate when it was asked for; 0: as it is now; */
	double chain_ms;     /* and that of the longest chain below it with it; 0: likewise. */
};

#define SCHED_PROMISE_NOW INT64_MAX

/* The knobs. */
struct sched_policy {
	int64_t promise_grace_ms; /* start_by = now + grace + factor x backlog / slots */
	double promise_factor;
	double promise_slots; /* Part (0..1) of the slots that may serve promises; at least one
				 slot. */
	double reserve; /* Part (0..1) of the slots that is free of long builds; at least one slot
			   from three slots on; 0: none. */
};

/* As the configuration has them (lib/settings.c). */
#define SCHED_POLICY_DEFAULT                                                                       \
	((struct sched_policy){ .promise_grace_ms = 27 * 3600 * 1000,                              \
		.promise_factor = 2.5,                                                             \
		.promise_slots = 0.13,                                                             \
		.reserve = 0.13 })

struct sched_builder {
	const char *name; /* Copied. */
	uint32_t systems; /* A bit each: 1 << sched_system(). */
	uint64_t features;
	uint32_t slots[SCHED_LANES];
	double speed; /* 1 is the builder that costs are measured in. */
};

enum sched_rule {
	SCHED_RULE_BUMPED,
	SCHED_RULE_PROMISE,
	SCHED_RULE_SCORE,
	SCHED_RULE_LEFTOVER,
};

const char *sched_rule_name(enum sched_rule rule); /* "bump", "promise", "score", "leftover" */

struct sched_decision {
	size_t n; /* Builds to start together in one slot; 0: start nothing. */
	int64_t builds[SCHED_BATCH_MAX];
	uint32_t builder; /* Index in the builders. */
	enum sched_lane lane;
	enum sched_rule rule;
	double score;        /* Of the first. */
	int64_t start_by_ms; /* Of the first. */
	int64_t runner_up;   /* Which build would have been next; 0: none. */
	double runner_up_score;
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
	SCHED_WHY_RESERVE,    /* It is long (`long_ms`); `n` of `slots` for long ones are taken. */
	SCHED_WHY_LANE, /* It is overdue, and the `slots` for promises are taken, one by `other`. */
	SCHED_WHY_ORDER, /* `n` ready builds that compete with it for slots are before it, or more
			    when that is as far as was counted; `other` is the nearest of them. */
	SCHED_WHY_NEXT,  /* None is before it: it starts when a slot is free. */
	SCHED_WHY_RUNS,  /* It runs on `builder`, since `since_ms`. */
};

/* The numbers behind a wait; those that do not belong to the rule as well, where they are known. */
struct sched_why {
	enum sched_why_rule rule;
	int64_t other; /* A build; 0: none. */
	size_t n, slots;
	size_t n_due; /* ORDER: so many of the `n` go first because their promise is due. */
	uint32_t builder;
	int64_t until_ms; /* LATER */
	int64_t since_ms; /* RUNS: it was started then. */
	int64_t free_ms;  /* When the next fitting slot is expected free; 0: unknown, or now. */
	double cost_ms;   /* Its estimate. */
	double long_ms;   /* A build is long when it may take more than this. */
	double score, other_score; /* Weight per hour of cost, with age and shares. */
	double weight;             /* The weight that it serves itself, */
	size_t n_unlocks;          /* and how many wanted builds wait for it. */
	int64_t doubles_ms;  /* When its score doubles by age; 0: it does not wait in order. */
	int64_t start_by_ms; /* The promise. INT64_MAX: none. */
	double share;        /* Of its submitter in what was built of late: 0..1. */
};

/* How builds that are known to be cheap share a slot. */
struct sched_batching {
	double cost_ms; /* Surely to take less than this, nine times out of ten; 0: no batches. */
	size_t max;     /* 1..SCHED_BATCH_MAX */
};

struct sched *sched_create(void);
struct sched *sched_copy(const struct sched *from); /* For forecast.h. */
void sched_destroy(struct sched *s);                /* NULL is harmless. */

/* The number of a system name, the bits of a list of features separated by blanks. The same name
 * always gets the same number. CAPQ_ETOOBIG when there are more than 32 systems or 64 features. */
int sched_system(struct sched *s, const char *name, uint32_t *out, struct err *err);
int sched_features(struct sched *s, const char *names, uint64_t *out, struct err *err);

/* The number of a submitter. When there are too many (SCHED_SUBMITTERS_MAX) the rest share one. */
uint32_t sched_submitter(struct sched *s, const char *name);

/* Replace all builders. What runs goes on, also on a builder that is gone or has fewer slots now;
 * indices of builders with a name that stays keep their meaning. */
void sched_set_builders(struct sched *s, const struct sched_builder *builders, size_t n);
void sched_set_policy(struct sched *s, const struct sched_policy *policy);
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
 * it; the schedule keeps that. A promise that was not made yet is made now: sched_want() has it,
 * for the user to keep over a restart. */
void sched_set_want(struct sched *s, int64_t build, const struct sched_want *want, int64_t now_ms);
void sched_want(const struct sched *s, int64_t build, struct sched_want *out); /* As it is now. */
bool sched_is_wanted(
	const struct sched *s, int64_t build); /* Also by what needs it, and on hold. */

/* `newer` takes the place of `older`: it inherits the earlier promise and the longer wait, nearly
 * half of the weight (INHERITED_WEIGHT), and the bump of what wanted the older itself; nobody wants
 * that itself any more. Both must be known. */
void sched_supersede(struct sched *s, int64_t older, int64_t newer);

void sched_set_ready(struct sched *s, int64_t build, int64_t not_before_ms); /* OPEN -> READY */
void sched_set_cost(struct sched *s, int64_t build, double cost_ms, double cost_sigma);

/* What to start now. O(kinds x (builders + runs) + groups + log n): a kind is one (lane, system,
 * features), a group what is ready of a kind and one submitter, long or not. */
void sched_decide(struct sched *s, int64_t now_ms, struct sched_decision *out);

/* The decision was carried out: its builds run in one slot until each has left. Their submitter is
 * charged with the estimate; when the slot is free again, with what it really took. */
void sched_started(struct sched *s, const struct sched_decision *decision, int64_t now_ms);

/* RUNNING -> OPEN: it has to run again. READY -> OPEN as well. */
void sched_requeue(struct sched *s, int64_t build, int64_t now_ms);

/* It is valid: it leaves the schedule. `on_open` is called for every build that needed nothing
 * else; it may call sched_set_ready(). */
void sched_built(struct sched *s, int64_t build, int64_t now_ms,
	void (*on_open)(void *owner, int64_t build), void *owner);

/* It will not be built: it leaves, and with it everything that needs it, directly or not. */
void sched_remove(struct sched *s, int64_t build, int64_t now_ms);

/* A build that cost so much ended at that time. What is long is learnt from these: work-weighted
 * median of the last week or so, at least half an hour. */
void sched_learn(struct sched *s, double cost_ms, int64_t at_ms);
double sched_long_ms(const struct sched *s);

/* What a submitter has used of late, in ms of slot time decayed to `at_ms`, for the user to keep
 * over a restart, and to put back. */
double sched_usage(const struct sched *s, uint32_t submitter, int64_t at_ms);
void sched_each_usage(const struct sched *s, int64_t at_ms,
	void (*each)(void *owner, const char *submitter, double usage_ms), void *owner);
uint64_t sched_charges(const struct sched *s); /* Goes up whenever usage is charged. */
void sched_set_usage(struct sched *s, uint32_t submitter, double usage_ms, int64_t at_ms);

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
