/* Backing off from a service that does not answer. Pure: time is an argument, in ms on the
 * monotonic clock.
 *
 * What is wrong with the service is wrong for everybody, so it is one wait for all and counts
 * against nobody: OUTAGE_FIRST_MS after the first failure, each later wait twice as long, up to
 * OUTAGE_MAX_MS. When it is over one may try; with the first that is answered the outage ends. */
#ifndef CAPQ_DAEMON_PIPELINE_OUTAGE_H
#define CAPQ_DAEMON_PIPELINE_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#define OUTAGE_FIRST_MS INT64_C(5000)
#define OUTAGE_MAX_MS INT64_C(300000)

struct outage {
	int n_failed;          /* In a row; 0: there is no outage. */
	int64_t not_before_ms; /* Nobody tries before that. */
};

/* It did not answer. */
void outage_note(struct outage *outage, int64_t now_ms);

/* It answered, or it may have become another. */
void outage_end(struct outage *outage);

/* May one more try while `n_trying` do already? */
bool outage_may_try(const struct outage *outage, int64_t now_ms, uint64_t n_trying);

#endif
