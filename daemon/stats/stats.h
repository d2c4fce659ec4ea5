/* Sums over the past, made from a data base that another connection has open. */
#ifndef CAPQ_DAEMON_STATS_STATS_H
#define CAPQ_DAEMON_STATS_STATS_H

#include "lib/err.h"
#include "lib/json.h"

#define STATS_ROWS_MAX 50000 /* The newest so many of each kind are looked at. */

/* Add the members of what GET /stats answers that the data base knows, as of `now_ms` since 1970.
 * Takes a while: on any thread but the loop's. */
int stats_make(const char *database, int64_t now_ms, struct json_out *out, struct err *err);

#endif
