/* A token bucket: so many bytes a second on average, whoever takes them, and no more than a quarter
 * of a second's at once. Pure: time is an argument, on any clock that never goes back. */
#ifndef CAPQ_IO_RATE_H
#define CAPQ_IO_RATE_H

#include <stddef.h>
#include <stdint.h>

struct rate {
	uint64_t per_second; /* Bytes; 0: any number. */
	double room;         /* Bytes that may be taken at `at_us`. */
	int64_t at_us;
};

void rate_init(struct rate *rate, uint64_t per_second, int64_t now_us);

/* Take up to `wanted` bytes. Returns how many may be sent now; 0: wait. */
size_t rate_take(struct rate *rate, int64_t now_us, size_t wanted);

/* After how many ms there is enough again for a good piece, 1 or more. */
uint64_t rate_wait_ms(const struct rate *rate);

#endif
