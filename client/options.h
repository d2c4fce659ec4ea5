/* A command line, read by the tables of client/command.h. */
#ifndef CAPQ_CLIENT_OPTIONS_H
#define CAPQ_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/command.h"
#include "lib/err.h"

struct option_given {
	const struct option_spec *spec;
	const char *value; /* NULL for a flag. */
};

/* What was given. Texts are borrowed from argv. */
struct options {
	struct option_given *given; /* In order. */
	size_t n_given, capacity;
	const char *const *operands;
	size_t n_operands;
};

/* Read argv[1...] for `command`, or, with NULL, the global options before the command, which then
 * is the first operand. Options and operands may be mixed; "--" ends the options. Called again, it
 * adds. CAPQ_EINVAL names the option that is not known, and the nearest one; what is missing; or
 * what is too much. The caller ends with options_finish(), also after a failure. */
int options_read(struct options *options, const struct command *command, int argc, char **argv,
	struct err *err);
void options_finish(struct options *options);

/* The value of the last --name; NULL when it was not given. */
const char *option_text(const struct options *options, const char *name);

bool option_given(const struct options *options, const char *name);

/* Values of an option that may be repeated, one by one: `*at` begins with 0. NULL behind the last.
 */
const char *option_next(const struct options *options, const char *name, size_t *at);

/* Typed values: `*out` is `fallback` when the option was not given. CAPQ_EINVAL says what is
 * expected: a whole number within the bounds, a time such as "10m", a size such as "64KiB". */
int option_int(const struct options *options, const char *name, int64_t min, int64_t max,
	int64_t fallback, int64_t *out, struct err *err);
int option_duration(const struct options *options, const char *name, int64_t fallback_ms,
	int64_t *out_ms, struct err *err);
int option_size(const struct options *options, const char *name, int64_t fallback,
	int64_t *out_bytes, struct err *err);

#endif
