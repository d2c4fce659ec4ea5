/* Who wants a build, told to the schedule; and its promises, kept over a restart. */
#ifndef CAPQ_DAEMON_PIPELINE_WANTING_H
#define CAPQ_DAEMON_PIPELINE_WANTING_H

#include "daemon/pipeline/inside.h"

/* Wall clock to the schedule's clock, which never jumps, and back; ms. 0 is 0. */
int64_t schedule_time(int64_t wall_ms);
int64_t wall_time(int64_t schedule_ms);

/* What a job weighs, by where its revision came from (`rev_from`), its set and its priority. */
double job_weight(const struct pipeline *p, const char *rev_from, const char *caps, int priority);

/* Jobs of the build came, went or changed. Not within a write. */
void wants_changed(struct pipeline *p, int64_t build_id);

/* At start: all of them, and what submitters have used. Every build is in the schedule. */
void wants_load(struct pipeline *p);

/* What branches weigh may have changed: all wants anew. */
void wants_reload(struct pipeline *p);

/* Now and then: what submitters have used is written. */
void usage_tick(struct pipeline *p);

#endif
