/* The policy that capqd runs: sched/ itself, told what happens by the simulation. */
#ifndef CAPQ_SIM_SPR_H
#define CAPQ_SIM_SPR_H

#include "sim/policy.h"

extern const struct policy_class policy_spr;

#endif
