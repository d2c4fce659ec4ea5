/* Worked examples of which GPU code runs where, for the tests of the rules and of what is made of
 * them. */
#ifndef CAPQ_TESTS_SUPPORT_COMPAT_EXAMPLES_H
#define CAPQ_TESTS_SUPPORT_COMPAT_EXAMPLES_H

#include "lib/compat.h"

#define EXAMPLE_LINES_MAX 4

/* The variants of an example in the order in which they should come out. */
struct compat_example {
	const char *device, *driver, *toolkit; /* NULL: not known. */
	struct {
		const char *variant; /* "8.0,8.6+PTX"; or "8.0,10.0 ptx 8.0" as seen in files. */
		enum tier tier;
		const char *reason;
	} lines[EXAMPLE_LINES_MAX];
};

extern const struct compat_example compat_examples[];
extern const size_t n_compat_examples;

#endif
