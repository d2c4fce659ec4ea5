/* The command line of capq-sim. */
#ifndef CAPQ_SIM_OPTIONS_H
#define CAPQ_SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "sim/engine.h"

#define OPTIONS_POLICIES_MAX 16

enum options_action {
	OPTIONS_RUN,
	OPTIONS_COMPARE,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

/* Texts are borrowed from argv. */
struct options {
	enum options_action action;
	const char *trace, *history, *builders, *config, *events,
		*svg;  /* Paths; NULL: not given. */
	int64_t slots; /* 0: not given. */
	const struct policy_class *policies[OPTIONS_POLICIES_MAX];
	size_t n_policies; /* At least 1; 1 unless compared. */
	struct knobs knobs;
	int64_t seed;
	double noise;
	bool is_json, is_csv;
};

/* CAPQ_EINVAL says what is wrong. The caller ends with options_finish(), also after a failure. */
int options_read(struct options *options, int argc, char **argv, struct err *err);
void options_finish(struct options *options);

void options_print_help(void);

#endif
