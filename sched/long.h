/* What is a long build: one that takes longer than the work-weighted median of what was built of
 * late, half of all slot time going into builds longer than that. Pure. */
#ifndef CAPQ_SCHED_LONG_H
#define CAPQ_SCHED_LONG_H

#include <stdint.h>

#define LONG_BUCKETS 128 /* Quarters of an octave, from one second up. */

struct long_builds {
	double work[LONG_BUCKETS]; /* Decayed; relative to `at_ms`. */
	int64_t at_ms;
	double threshold_ms; /* Begins as half an hour, and is never less. */
};

void long_begin(struct long_builds *l);
/* What ended before the latest that was learnt counts as ending with it: a clock that was once
 * years ahead must not keep all that follows from counting. */
void long_learn(struct long_builds *l, double cost_ms, int64_t at_ms);

#endif
