/* A schedule as CSV: id,start_s,end_s,slot, in the order in which the builds started. */
#ifndef CAPQ_SIM_EVENTS_H
#define CAPQ_SIM_EVENTS_H

#include "sim/engine.h"

int events_write(const struct trace *trace, const struct sim_result *result, const char *path,
	struct err *err);

#endif
