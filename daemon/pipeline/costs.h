/* What builds cost: history, learnt from and asked (sched/estimate.h). */
#ifndef CAPQ_DAEMON_PIPELINE_COSTS_H
#define CAPQ_DAEMON_PIPELINE_COSTS_H

#include "daemon/pipeline/inside.h"
#include "daemon/store/attempt.h"
#include "sched/estimate.h"

/* A derivation, as far as its cost depends on it. Strings are borrowed. */
struct costed {
	const char *package, *name; /* "torch", "torch-2.5.1" */
	const char *caps;           /* Of the job that it was planned for. */
	const char *system;
};

/* Beyond these an estimate hardly changes: what is older has faded. */
#define COSTS_HISTORY_MAX 50000

void costs_start(struct pipeline *p); /* Learns the newest history. */
void costs_finish(struct pipeline *p);

void costs_of(const struct pipeline *p, const struct costed *costed, struct estimate *out);

/* The duration of one that is known to be cheap, in ms: nine times out of ten it takes less. */
double costs_surely_ms(const struct pipeline *p, const struct costed *costed);

/* One ended; what waits and is of its package is estimated anew. */
void costs_learn(struct pipeline *p, const struct history_entry *entry);

/* The same for estimates that are not in use. */
void costs_learn_into(
	const struct pipeline *p, struct estimates *estimates, const struct history_entry *entry);

/* Tell the schedule what a build costs as it is known now. False: it is not there. */
bool costs_estimate_anew(struct pipeline *p, int64_t build_id, const struct costed *costed);

/* Two sets have the same derivation of a package: its capabilities are no part of its cost. */
void costs_saw_same(
	struct pipeline *p, const struct costed *costed, const char *other_caps, const char *drv);

#endif
