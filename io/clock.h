/* The two clocks: one to measure with, one to show. */
#ifndef CAPQ_IO_CLOCK_H
#define CAPQ_IO_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* ms since 1970; may jump. For storing and showing only. */
int64_t clock_mono_ms(void); /* ms since some moment; never jumps. For limits and waits. */
int64_t clock_mono_us(void); /* The same in microseconds. */

#endif
