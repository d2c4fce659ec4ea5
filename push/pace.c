#include "push/pace.h"

#include <math.h>

#define YEAR_MS 31536e6

void pace_begin(struct pace *pace, int64_t now_us)
{
	*pace = (struct pace){ .began_us = now_us, .at_us = now_us };
}

/* What is left of a thing's weight after `us`. */
static double weight_after(int64_t us)
{
	return exp(-(double)us / (double)PACE_TAU_US);
}

void pace_note(struct pace *pace, int64_t now_us, uint64_t bytes)
{
	int64_t us = now_us - pace->at_us;
	uint64_t more = bytes > pace->bytes ? bytes - pace->bytes : 0;
	double old;

	if (us <= 0)
		return; /* The next note will tell more. */
	old = weight_after(us);
	pace->mean = pace->mean * old + (double)more * 1e6 / (double)us * (1 - old);
	pace->at_us = now_us;
	if (bytes > pace->bytes)
		pace->bytes = bytes;
}

/* The time before the beginning, when nothing could be done, is taken out of the mean. */
double pace_rate(const struct pace *pace)
{
	double known = 1 - weight_after(pace->at_us - pace->began_us);

	return known > 0 ? pace->mean / known : 0;
}

int64_t pace_left_ms(const struct pace *pace, uint64_t bytes_left)
{
	double rate = pace_rate(pace), ms;

	if (bytes_left == 0)
		return 0;
	if (rate < 1)
		return -1;
	ms = (double)bytes_left / rate * 1000;
	return (int64_t)(ms < YEAR_MS ? ms : YEAR_MS);
}
