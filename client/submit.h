/* Sending the jobs of `capq submit` and saying what became of them. */
#ifndef CAPQ_CLIENT_SUBMIT_H
#define CAPQ_CLIENT_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/client.h"
#include "client/job_source.h"
#include "lib/json.h"

/* Send all jobs of `source` in one request, one object a line as they are read. The caller frees
 * the answer. CAPQ_EINVAL when a job of a file is none: the request breaks off and capqd accepts
 * nothing of it. */
int submit_send(struct client *client, struct job_source *source, bool is_dry_run,
	struct json **out, struct err *err);

/* The ids in an answer, in the order of the request: an array that the caller frees. */
int submit_ids(const struct json *answer, int64_t **out, size_t *out_n, struct err *err);

/* Print the answer to a dry run for people. The exit code says whether all jobs evaluate. */
void submit_print_dry_run(struct client *client, const struct json *answer);

#endif
