/* What evaluate.nix is to do, as the JSON that it reads. Pure. */
#ifndef CAPQ_DAEMON_PIPELINE_EVALUATE_REQUEST_H
#define CAPQ_DAEMON_PIPELINE_EVALUATE_REQUEST_H

#include "daemon/pipeline/evaluate.h"

struct evaluate_request {
	const struct evaluation_spec *spec;
	const size_t *batch; /* Which of its attributes. */
	size_t n_batch;
	const char *mark;   /* What its reports begin with. */
	bool is_explaining; /* Failures end the process with their message. */
	bool wants_support; /* What the attributes support is reported before all else. */
	bool wants_probe;   /* The revision is asked what it can build for. */
};

/* The caller frees. */
char *evaluate_request_text(const struct evaluate_request *request);

#endif
