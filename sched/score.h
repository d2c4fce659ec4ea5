/* The formula of the order, and what is fixed in it. Pure.
 *
 *                 (own + unlocked) x 2^level x share
 *   score of j  = ----------------------------------
 *                              cost_j
 *
 *   own       w_j / (c_j^A p_j^P)
 *   unlocked  the sum of w_i / (c_i^A p_i^P) x (cost_j / c_i)^B over the wanted builds i that
 *             wait for j
 *   level     floor(log2(1 + waited_j / c_j)): it doubles as the slowdown doubles
 *   share     1 up to half of what was built of late; then falling to 0 (share.c)
 *
 * w is the weight, p the cost of the build when it was asked for, c that of the chain (own cost and
 * the longest unbuilt chain below), both at least a minute, all in hours. A between 0 (mean
 * response) and 1 (mean slowdown of what was asked for) balances the two; P leans to the mean
 * stretch (slowdown of the last step alone). B > 0 makes a short step below a long chain less
 * urgent than the chain's length makes it look. Long builds lose less by their length (LONG): else
 * the longest would live by their promises alone. Found by search over traces; bench/README.md has
 * the figures. */
#ifndef CAPQ_SCHED_SCORE_H
#define CAPQ_SCHED_SCORE_H

#define SCORE_A 0.73
#define SCORE_P 0.055
#define SCORE_B 0.82
#define SCORE_LONG 0.3 /* Costs above LONG_FROM count as LONG_FROM x (cost/LONG_FROM)^(1-LONG). */
#define SCORE_LONG_FROM_MS 7.2e6
#define SCORE_COST_MIN_MS 6e4 /* What is shorter counts as this long. */
#define SCORE_LEVEL_MAX 40
#define SCORE_WEIGHT_MAX 1e4F

#define HOUR_MS 3.6e6

/* A build is long when its estimate is with so much of its spread on top: about two times in three
 * it takes less. And a running one when it has taken so much more than what is long. */
#define LONG_SIGMAS 0.42
#define LONG_OVERRUN 1.3

#define LONG_MIN_MS 1.8e6
#define LONG_DECAY_MS (7 * 24 * HOUR_MS)

#define SHARE_FREE 0.5 /* Up to here a submitter loses nothing. */
#define SHARE_DECAY_MS (24 * HOUR_MS)
#define SHARE_FACTOR_MIN 1e-6
/* As if so much of every slot had been used by nobody: the first hour of a lone submitter is no
 * flood. */
#define SHARE_PRIOR_MS (6 * HOUR_MS)

/* A build is surely cheap when it is with so much on top: nine times out of ten. */
#define CHEAP_SIGMAS 1.28

/* Of the weight of what a build supersedes: its users still wait. Over many revisions that never
 * got their turn this adds up to 0.45 / (1 - 0.45), four fifths of its own. */
#define INHERITED_WEIGHT 0.45

#endif
