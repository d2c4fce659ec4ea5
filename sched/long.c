#include "sched/long.h"

#include <math.h>
#include <string.h>

#include "sched/score.h"

#define PER_OCTAVE 4

void long_begin(struct long_builds *l)
{
	memset(l, 0, sizeof *l);
	l->at_ms = INT64_MIN; /* What is learnt first may lie before the schedule's time 0. */
	l->threshold_ms = LONG_MIN_MS;
}

static int bucket_of(double cost_ms)
{
	double octaves = log2(cost_ms / 1000);

	if (!(octaves > 0))
		return 0;
	return octaves * PER_OCTAVE < LONG_BUCKETS - 1 ? (int)(octaves * PER_OCTAVE)
						       : LONG_BUCKETS - 1;
}

/* The upper edge of the bucket in which half of the work is reached. */
static double median_ms(const struct long_builds *l)
{
	double all = 0, sum = 0;
	int i = 0;

	for (int k = 0; k < LONG_BUCKETS; k++)
		all += l->work[k];
	for (; i < LONG_BUCKETS - 1; i++) {
		sum += l->work[i];
		if (sum >= all / 2)
			break;
	}
	return 1000 * exp2((i + 1.0) / PER_OCTAVE);
}

void long_learn(struct long_builds *l, double cost_ms, int64_t at_ms)
{
	double age = (double)at_ms - (double)l->at_ms;

	if (!(cost_ms > 0))
		return;
	if (age > 0) {
		for (int i = 0; i < LONG_BUCKETS; i++)
			l->work[i] *= exp(-age / LONG_DECAY_MS);
		l->at_ms = at_ms;
	}
	l->work[bucket_of(cost_ms)] += cost_ms;
	l->threshold_ms = fmax(median_ms(l), LONG_MIN_MS);
}
