/* A pipeline over a data base in a directory of its own, on a loop of its own. It is not started:
 * no child runs, and nothing happens but what a test says. */
#ifndef CAPQ_TESTS_SUPPORT_PIPELINE_CASE_H
#define CAPQ_TESTS_SUPPORT_PIPELINE_CASE_H

#include <uv.h>

#include "daemon/pipeline/inside.h"

struct pipeline_case {
	char directory[32];
	uv_loop_t loop;
	struct settings settings;
	struct store *store;
	struct pipeline *p;
};

/* For cmocka: `*state` becomes a struct pipeline_case. */
int pipeline_case_setup(void **state);
int pipeline_case_teardown(void **state);

/* The same with more configuration than the least there is (YAML). */
void pipeline_case_open(struct pipeline_case *c, const char *configuration);
void pipeline_case_close(struct pipeline_case *c);

/* Destroy the pipeline, which is not working, and make it again from the data base. */
void pipeline_case_reopen(struct pipeline_case *c);

/* pipeline_commit(), which must go well. */
void pipeline_case_commit(struct pipeline_case *c);

#endif
