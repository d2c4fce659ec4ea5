/* What the lists have in common: states, limit, cursor. */
#ifndef CAPQ_DAEMON_API_FILTER_H
#define CAPQ_DAEMON_API_FILTER_H

#include "daemon/api/answer.h"
#include "daemon/api/request.h"

/* "failed,done" or "live" as bits; NULL or "" is 0: all. False and `err` for a word that is no
 * state. */
bool filter_job_states(const char *text, uint32_t *out, struct err *err);
bool filter_build_states(const char *text, uint32_t *out, struct err *err);

/* The parameters `limit` and `cursor`. A cursor is the id before which the next page begins: it
 * stays good whatever happens meanwhile. */
bool filter_page(struct request *r, int64_t *out_limit, int64_t *out_before_id, struct err *err);
void filter_add_cursor(struct json_out *out, int64_t next);

/* Answers for what is not there. */
const struct answered *answer_no_job(struct request *r);
const struct answered *answer_no_build(struct request *r);

#endif
