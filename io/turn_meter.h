/* How long the turns of a loop take: how long whoever comes may have to wait for the loop alone.
 * Waiting for something to happen does not count; being displaced by other processes does. */
#ifndef CAPQ_IO_TURN_METER_H
#define CAPQ_IO_TURN_METER_H

#include <stdint.h>
#include <uv.h>

struct turn_meter {
	uv_prepare_t prepare; /* Its callback is where one turn ends and the next begins. */
	uint64_t began_ns, idle_ns;
	uint64_t longest_ns;
};

/* Before the loop runs. The handle keeps no loop alive. */
void turn_meter_start(struct turn_meter *meter, uv_loop_t *loop);

/* Ends in `on_closed`, with the handle's `data` as the caller set it. */
void turn_meter_stop(struct turn_meter *meter, uv_close_cb on_closed);

double turn_meter_longest_ms(const struct turn_meter *meter); /* Since the start. */

#endif
