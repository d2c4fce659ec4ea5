/* Bulk submits while they are being written, and remembered answers. */
#ifndef CAPQ_DAEMON_STORE_BATCH_H
#define CAPQ_DAEMON_STORE_BATCH_H

#include <stddef.h>

#include "daemon/store/store.h"
#include "lib/str.h"

/* Begin the batch; there is none. Jobs are entered with its id (store_job_enter()). */
int64_t store_batch_begin(struct store *store, int64_t now_ms);

/* The batch that is being written, 0 when there is none. */
int64_t store_batch_open(struct store *store);

/* It is whole: all its jobs become visible with this transaction. */
void store_batch_end(struct store *store, int64_t batch_id);

/* Delete at most `limit` jobs of the batch. Returns how many went; when it is less than the limit,
 * the batch is gone as well. */
int store_batch_drop(struct store *store, int64_t batch_id, int limit);

/* The answer given to the same key before. False: none. `*out_same` tells whether the request was
 * the same too. The answer is appended to `out`. An answer of the batch that is being written is
 * not there yet. */
bool store_answer_get(struct store *store, const char *submitter, const char *key,
	const char *digest, bool *out_same, struct str *out);
void store_answer_put(struct store *store, const char *submitter, const char *key,
	const char *digest, const struct str *answer, int64_t batch_id, int64_t now_ms);
void store_answers_trim(struct store *store, int64_t before_ms, int limit); /* The oldest first. */

#endif
