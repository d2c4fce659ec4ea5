/* The normal distribution, also far out in its tail. Pure. */
#ifndef CAPQ_SCHED_NORMAL_H
#define CAPQ_SCHED_NORMAL_H

/* ln P(Z > z) of a standard normal Z; finite for every finite z that a double holds the square of.
 */
double normal_log_upper(double z);

/* E(Z | Z > z): the mean of what lies above z. */
double normal_mean_above(double z);

#endif
