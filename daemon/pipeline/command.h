/* What people ask of a job: it is durable before it is answered, and shares its commit with all
 * that is asked in the same loop turn. */
#ifndef CAPQ_DAEMON_PIPELINE_COMMAND_H
#define CAPQ_DAEMON_PIPELINE_COMMAND_H

#include "daemon/pipeline/pipeline.h"

enum command_kind {
	COMMAND_CANCEL,
	COMMAND_RETRY,
	COMMAND_HOLD,
	COMMAND_RELEASE,
	COMMAND_BUMP,
};

/* `who` is copied. `on_done` runs once, at the end of this turn or later: `rv` 0, or
 * CAPQ_ENOTFOUND, CAPQ_EEXIST (its state forbids it), CAPQ_ENOSPC, and `err` says why. */
void command_job(struct pipeline *p, enum command_kind kind, int64_t job_id, const char *who,
	void (*on_done)(void *owner, int rv, const struct err *err), void *owner);

#endif
