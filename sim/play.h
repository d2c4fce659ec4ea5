/* One policy's way through a trace, and how good it was. */
#ifndef CAPQ_SIM_PLAY_H
#define CAPQ_SIM_PLAY_H

#include "sim/engine.h"
#include "sim/score.h"

struct play {
	const struct policy_class *policy;
	struct sim_result result;
	struct score score;
};

#endif
