/* A data base in a directory of its own, and short ways to put jobs and builds into it. */
#ifndef CAPQ_TESTS_SUPPORT_STORE_CASE_H
#define CAPQ_TESTS_SUPPORT_STORE_CASE_H

#include "daemon/store/build.h"
#include "daemon/store/job.h"
#include "lib/str.h"

struct store_case {
	char directory[32];
	char *path; /* Of the data base. */
	struct store *store;
};

/* For cmocka: `*state` becomes a struct store_case with a fresh data base. */
int store_case_setup(void **state);
int store_case_teardown(void **state);

/* Close the data base and open it again. */
void store_case_reopen(struct store_case *c);

/* End the transaction, which must go well. */
void store_case_commit(struct store *store);

/* A context of revision "000...N" with `caps`; its id. */
int64_t store_case_context(struct store *store, int revision, const char *caps);

/* Enter one; its id. */
int64_t store_case_job(struct store *store, const char *attr, int64_t context);
int64_t store_case_build(struct store *store, const char *name, enum build_state state);
void store_case_set_state(struct store *store, int64_t job, enum job_state state);

/* For callbacks: append the id, behind a blank, to a struct str. */
void store_case_note(struct str *out, int64_t id);
void store_case_note_job(void *str, const struct job *job);
void store_case_note_build(void *str, const struct build *build);

#endif
