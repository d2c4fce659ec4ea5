#include "io/rate.h"

/* Pieces smaller than this cost more than they bring; a rate below it is kept all the same. */
#define PIECE 16384.0

static double burst_of(const struct rate *rate)
{
	double quarter = (double)rate->per_second / 4;

	return quarter > PIECE ? quarter : PIECE;
}

void rate_init(struct rate *rate, uint64_t per_second, int64_t now_us)
{
	*rate = (struct rate){ .per_second = per_second, .at_us = now_us };
	rate->room = burst_of(rate);
}

static void refill(struct rate *rate, int64_t now_us)
{
	if (now_us <= rate->at_us)
		return;
	rate->room += (double)(now_us - rate->at_us) * (double)rate->per_second / 1e6;
	if (rate->room > burst_of(rate))
		rate->room = burst_of(rate);
	rate->at_us = now_us;
}

size_t rate_take(struct rate *rate, int64_t now_us, size_t wanted)
{
	size_t given = wanted;

	if (rate->per_second == 0)
		return wanted;
	refill(rate, now_us);
	if ((double)wanted > PIECE)
		given = (size_t)PIECE; /* So that others get their share of what there is. */
	if (rate->room < (double)given)
		return 0;
	rate->room -= (double)given;
	return given;
}

uint64_t rate_wait_ms(const struct rate *rate)
{
	double lacking = PIECE - rate->room;

	if (lacking <= 0 || rate->per_second == 0)
		return 1;
	return (uint64_t)(lacking / (double)rate->per_second * 1000) + 1;
}
