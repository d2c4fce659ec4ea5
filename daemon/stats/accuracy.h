/* How good the estimates were at which builds were started: by how much they were wrong, as a
 * factor of 1 or more, up or down. By class, by what they rested on, by age. Pure. */
#ifndef CAPQ_DAEMON_STATS_ACCURACY_H
#define CAPQ_DAEMON_STATS_ACCURACY_H

#include "daemon/store/stats.h"
#include "lib/json.h"

struct accuracy;

struct accuracy *accuracy_create(int64_t now_ms);
void accuracy_destroy(struct accuracy *accuracy);

/* Runs that were not built, or were not estimated, count for nothing. */
void accuracy_add(struct accuracy *accuracy, const struct stats_run *run);

/* Add the member "accuracy", an array. */
void accuracy_to_json(struct accuracy *accuracy, struct json_out *out);

#endif
