/* How long jobs waited, and how promises were kept, by class: thin (one capability) and fat
 * (several). Pure. */
#ifndef CAPQ_DAEMON_STATS_WAITS_H
#define CAPQ_DAEMON_STATS_WAITS_H

#include "daemon/store/stats.h"
#include "lib/json.h"

struct waits;

struct waits *waits_create(int64_t now_ms);
void waits_destroy(struct waits *waits);
void waits_add(struct waits *waits, const struct stats_job *job);

/* Add the members "waits" and "promises", arrays. */
void waits_to_json(struct waits *waits, struct json_out *out);

#endif
