/* How fast something goes, from how far it was at what time: a mean in which what happened PACE_TAU
 * ago counts a third of what happens now. Pure. */
#ifndef CAPQ_PUSH_PACE_H
#define CAPQ_PUSH_PACE_H

#include <stdint.h>

#define PACE_TAU_US INT64_C(5000000)

struct pace {
	int64_t began_us, at_us; /* On any clock that never goes back. */
	uint64_t bytes;          /* So far, at `at_us`. */
	double mean;             /* Bytes a second, as if it had stood still before `began_us`. */
};

/* It begins now, with nothing done. */
void pace_begin(struct pace *pace, int64_t now_us);

/* So many bytes are done by now, in all; fewer than before count as none. */
void pace_note(struct pace *pace, int64_t now_us, uint64_t bytes);

/* Bytes a second; 0 while nothing is known. */
double pace_rate(const struct pace *pace);

/* How long so many more will take, in ms; -1: it stands still. A year at most. */
int64_t pace_left_ms(const struct pace *pace, uint64_t bytes_left);

#endif
