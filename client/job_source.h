/* The jobs of one submit, one by one: every package with every capability set, or those of a
 * file. What all of them have in common is filled in where a job does not say otherwise. */
#ifndef CAPQ_CLIENT_JOB_SOURCE_H
#define CAPQ_CLIENT_JOB_SOURCE_H

#include <stddef.h>

#include "client/job_reader.h"
#include "client/options.h"
#include "lib/err.h"
#include "lib/job.h"

struct job_source {
	struct job_spec common; /* rev, flavour, system, priority, unsupported, leftover. */

	/* Packages and sets, borrowed from the command line; each was checked already. */
	const struct options *options;
	size_t package; /* Of the next job. */
	size_t set_at;  /* Where option_next() goes on among the sets. */
	bool is_file;
	struct job_reader reader;
};

/* Look at what `capq submit` was given and check everything on the command line. CAPQ_EINVAL says
 * what is missing or wrong. The options are borrowed. */
int job_source_open(struct job_source *source, const struct options *options, struct err *err);

/* 1 with the next job, 0 at the end, CAPQ_EINVAL for one of a file that is none. */
int job_source_next(struct job_source *source, struct job_spec *out, struct err *err);

void job_source_close(struct job_source *source);

#endif
