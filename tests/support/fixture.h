/* Recorded files for tests: tests/fixtures, whose README says where each is from. */
#ifndef CAPQ_TESTS_FIXTURE_H
#define CAPQ_TESTS_FIXTURE_H

#include <stddef.h>

/* The bytes of tests/fixtures/`name`, in memory of just that size and one NUL more. The test fails
 * when there is no such file. The caller frees. */
char *fixture_read(const char *name, size_t *out_len);

/* The path of tests/fixtures/`name`. The caller frees. */
char *fixture_path(const char *name);

#endif
