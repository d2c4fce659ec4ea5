/* The jobs that a command line names, found through the API. */
#ifndef CAPQ_CLIENT_SELECT_H
#define CAPQ_CLIENT_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "client/api.h"
#include "lib/str.h"

/* Find the jobs that `n` texts (client/selector.h) name: their ids in the same order, an array that
 * the caller frees. The daemon is asked only about those that are no ids. CAPQ_ENOTFOUND: there is
 * no such job; CAPQ_EINVAL: several fit, and the text lists them. */
int select_jobs(
	struct api *api, const char *const *texts, size_t n, int64_t **out_ids, struct err *err);

/* The same for one. */
int select_job(struct api *api, const char *text, int64_t *out_id, struct err *err);

/* Where the API has what `text` names: "/builds/12" for "build:12", else "/jobs/17" of the job. */
int select_path(struct api *api, const char *text, struct str *out, struct err *err);

#endif
