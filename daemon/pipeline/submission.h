/* The inside of a submission, for submit.c, accept.c, bulk.c and dry_run.c. */
#ifndef CAPQ_DAEMON_PIPELINE_SUBMISSION_H
#define CAPQ_DAEMON_PIPELINE_SUBMISSION_H

#include "daemon/pipeline/inside.h"
#include "daemon/pipeline/submit.h"
#include "daemon/store/job.h"
#include "lib/hash.h"
#include "lib/json.h"

/* What several jobs of a request share: few, however many jobs there are. */
struct submission_context {
	char *rev_name; /* As asked for. */
	char *caps;     /* Canonical; as long as it waits for the revision to say: as asked for. */
	const char *caps_from; /* struct job; static. */
	enum unsupported unsupported;
	bool is_open; /* Its sets are those that the revision will say. */
	char *flavour, *system;
	char *hash, *from; /* Of the revision, once it was looked up. */
	bool trusted;
	int64_t id; /* In the data base; within the transaction that enters it. */
};

struct submission {
	struct submission *next; /* In the turn's group, or in the line of bulk ones. */
	struct pipeline *p;
	char *who, *key;
	char digest[SHA256_HEX_LEN + 1]; /* "" until it is asked for. */
	struct submission_context *contexts;
	size_t n_contexts, contexts_capacity;
	struct str spool; /* Of each job: context (4 bytes), priority (2), whether it is a leftover
			     (1), attribute and a NUL. */
	size_t n;
	struct json_out answer; /* Of those that are entered. */
	size_t n_looked_up;     /* Contexts whose revision is known. */
	bool has_open;          /* Some context is open. */
	bool is_dry, is_abandoned;
	bool is_recalled; /* `answer`, or `rv` and `err`, are an earlier request's. */
	int rv;           /* Of looking up. */
	int64_t index;    /* The first job of the context that failed. */
	struct err err;
	void (*on_done)(void *owner, const struct submission_end *end);
	void *owner;

	int64_t batch_id;     /* bulk.c: 0 before it begins. */
	size_t at, n_entered; /* Where it is in the spool, and how many jobs that is. */
	int64_t first_id, last_id, n_new;
};

/* One job of the spool. */
struct spooled {
	uint32_t context;
	int16_t priority;
	bool is_leftover;
	const char *attr;
};

/* The job at `*at`, which is moved behind it. False at the end. */
bool submission_next(const struct submission *s, size_t *at, struct spooled *out);

/* Enter the contexts, and then one job; within a transaction. `before` was entered in the same
 * transaction: a context that it has too is not looked for again. NULL: there is none. */
void submission_enter_contexts(struct submission *s, const struct submission *before);
void submission_enter_job(
	struct submission *s, const struct spooled *job, int64_t batch_id, struct job_entered *out);

/* The answer, {"jobs":[{"id":1,"existing":false,"state":"evaluating"},...]}, job by job as they are
 * entered; submission_answer_end() makes it whole. */
void submission_answer_add(struct submission *s, const struct job_entered *job);
void submission_answer_end(struct submission *s);

/* What the request asks for, as a SHA-256; borrowed. */
const char *submission_digest(struct submission *s);

/* Tell the end and free. `answer` is emptied. */
void submission_succeed(struct submission *s, struct str *answer, bool existing);
void submission_fail(struct submission *s, int64_t index, const struct err *err);

/* Look for an earlier answer to the same key. True: there is one, nothing is to be entered, and
 * submission_tell_recalled() tells it and frees. Within a transaction it sees what was answered
 * earlier in it. */
bool submission_recall(struct submission *s);
void submission_tell_recalled(struct submission *s);

/* Add a job. `spec->caps` is one that needs no revision to be known, and came of `caps_from`. */
int submission_add_one(
	struct submission *s, const struct job_spec *spec, const char *caps_from, struct err *err);

/* Where they go once their revisions are known: on to be asked, when some set is open; else on. */
void submission_route(struct submission *s);
void probing_start(struct submission *s);

void submission_free_contexts(struct submission *s);

/* All revisions were asked: put the sets that they said in place of the open ones. 0, or
 * CAPQ_EINVAL (a revision has no default set) or CAPQ_ETOOBIG, kept in the submission. */
int submission_close_sets(struct submission *s);

/* Refuse it at the turn's end, for what stands in it; `context` is to blame. */
void submission_refuse(struct submission *s, size_t context);

/* Where they go in the end. */
void accept_add(struct submission *s);
void bulk_add(struct submission *s);
void dry_run_start(struct submission *s);

#define SUBMISSION_SMALL 256 /* Jobs; more are bulk. */

#endif
