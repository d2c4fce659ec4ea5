/* What a test of the tables of states looks at, and what it does not survive. */
#ifndef CAPQ_TESTS_SUPPORT_LIFE_CASE_H
#define CAPQ_TESTS_SUPPORT_LIFE_CASE_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/pipeline_case.h"

/* What a table of a test has in the place of a state. */
#define LIFE_SAME (-1)  /* Nothing happens. */
#define LIFE_REFUSED 99 /* CAPQ_EEXIST, and nothing happens. */
#define LIFE_NEVER 98   /* It cannot be: an assertion stops the daemon. */

int64_t life_case_events(struct pipeline_case *c); /* So many were told. */
int life_case_build_state(struct pipeline_case *c, int64_t id);

/* What cannot be ends in abort(): in a process of its own. True in that one. */
bool life_case_in_child(pid_t *out_pid);
void life_case_assert_aborts(pid_t pid);

#endif
