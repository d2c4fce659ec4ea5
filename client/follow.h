/* Following jobs to their end, by capqd's events: what `wait`, `watch` and `submit --wait` do. */
#ifndef CAPQ_CLIENT_FOLLOW_H
#define CAPQ_CLIENT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "client/job_set.h"
#include "client/report.h"

struct follow_spec {
	enum report_style style;
	int64_t timeout_ms;  /* -1: none. */
	int64_t patience_ms; /* How long a capqd that went away is waited for. */
	bool is_forever;     /* Goes on when there is nothing live. */
};

/* Follow the jobs of `set` until all are final; with set->is_everything until nothing is live.
 * CAPQ_ETIMEOUT: that took too long; CAPQ_EBUSY: capqd went away and did not come back;
 * CAPQ_ENOTFOUND: there is no such job. */
int follow_jobs(struct client *client, const struct follow_spec *spec, struct job_set *set,
	struct err *err);

/* Wait for `n` jobs as the options --timeout and --patience say: sets the exit code, and with
 * --json prints all of them at the end. `is_quiet`: say nothing else. */
int follow_to_end(
	struct client *client, const int64_t *ids, size_t n, bool is_quiet, struct err *err);

#endif
