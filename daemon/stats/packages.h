/* What builds have taken, by package, system and capability set. Pure. */
#ifndef CAPQ_DAEMON_STATS_PACKAGES_H
#define CAPQ_DAEMON_STATS_PACKAGES_H

#include "daemon/store/stats.h"
#include "lib/json.h"

#define PACKAGES_MAX 1000 /* Groups that are told of: those that took the longest in all. */

struct packages;

struct packages *packages_create(void);
void packages_destroy(struct packages *packages);

/* Runs come newest first. */
void packages_add(struct packages *packages, const struct stats_run *run);

/* Add the members "groups", how many there are, and "history", an array of them. */
void packages_to_json(struct packages *packages, struct json_out *out);

#endif
