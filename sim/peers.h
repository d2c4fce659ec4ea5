/* The policies that spr is compared with, each in its strong form: they hold back what cannot be
 * built yet, drop what is superseded, and have the same estimates. Where age counts, hrrn lets it
 * be inherited; Slurm's is the job's own. */
#ifndef CAPQ_SIM_PEERS_H
#define CAPQ_SIM_PEERS_H

#include "sim/policy.h"

extern const struct policy_class policy_fifo;
extern const struct policy_class policy_sjf;
extern const struct policy_class policy_hrrn;
extern const struct policy_class policy_hydra;
extern const struct policy_class policy_slurm;
extern const struct policy_class policy_wfq;

#endif
