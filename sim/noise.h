/* The same trace with other luck. */
#ifndef CAPQ_SIM_NOISE_H
#define CAPQ_SIM_NOISE_H

#include "sim/trace.h"

/* Multiply each work by a factor of its own, whose logarithm has the standard deviation `sigma`.
 * The same seed gives the same factors. */
void noise_add(struct trace *trace, double sigma, uint64_t seed);

#endif
