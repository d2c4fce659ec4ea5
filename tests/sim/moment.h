/* Simulated time: it stands still while anything happens, and jumps to the next moment at which
 * something is due. The clocks of io/clock.h tell it, libuv's timers fire by it, and work for
 * threads is done at once, its end being due in the same moment. */
#ifndef CAPQ_TESTS_SIM_MOMENT_H
#define CAPQ_TESTS_SIM_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

void moment_reset(void); /* It is 0, and nothing is due. */
int64_t moment_now(void);

/* Call `what` at `at_ms`; what is due at the same moment is called in the order in which it was
 * asked for. */
void moment_at(int64_t at_ms, void (*what)(void *owner), void *owner);
void moment_cancel(const void *owner); /* All that was asked for with it. */

bool moment_run_one(void);       /* Call one that is due. False: none is. */
bool moment_jump(int64_t to_ms); /* To the next that is due, at most to `to_ms`. False: none is. */

#endif
