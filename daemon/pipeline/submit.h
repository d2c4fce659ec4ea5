/* Submit: what one request asks for, from its first job to the answer.
 *
 *   submission_create()
 *   submission_add() for each job as it is parsed: checked for form, kept in a few dozen bytes
 *   submission_commit()   -> revisions looked up -> durable -> on_done
 *   or submission_dry_run() -> revisions looked up -> evaluated and planned -> on_done
 *
 * All or nothing: one job that does not fit refuses the request. A few jobs are entered with those
 * of all other requests of the loop turn, under one commit (accept.c); many are entered in slices
 * under a batch that becomes visible at its end (bulk.c), so that the loop never stops for them. */
#ifndef CAPQ_DAEMON_PIPELINE_SUBMIT_H
#define CAPQ_DAEMON_PIPELINE_SUBMIT_H

#include "daemon/pipeline/pipeline.h"
#include "lib/job.h"
#include "lib/str.h"

struct submission;

/* The end of a commit or a dry run, exactly once, later. `rv` 0: `answer` is the JSON of the
 * response. Otherwise `err` says why and `index` which job it was (-1: none in particular):
 * CAPQ_EINVAL, CAPQ_ENOTFOUND, CAPQ_EDENIED (a revision), CAPQ_ETOOBIG, CAPQ_EEXIST (the key was
 * used for another request), CAPQ_EBUSY (try later), CAPQ_ENOSPC, CAPQ_EFAILED. The submission is
 * gone afterwards. */
struct submission_end {
	int rv;
	struct str *answer;   /* The caller may take its text. */
	bool existing_answer; /* It was given before, to the same key. */
	int64_t index;
	const struct err *err;
};

/* `who` is the submitter; `key` an Idempotency-Key or NULL. Both are copied. */
struct submission *submission_create(struct pipeline *p, const char *who, const char *key);

/* CAPQ_EINVAL (no such flavour or system, or a name that can be no revision), CAPQ_ETOOBIG (too
 * many). */
int submission_add(struct submission *s, const struct job_spec *spec, struct err *err);
size_t submission_n(const struct submission *s);

void submission_commit(struct submission *s,
	void (*on_done)(void *owner, const struct submission_end *end), void *owner);
void submission_dry_run(struct submission *s,
	void (*on_done)(void *owner, const struct submission_end *end), void *owner);

/* Before commit: throw it away. After: nobody waits for the answer any more; on_done will not run.
 */
void submission_abandon(struct submission *s);

#endif
