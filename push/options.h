/* The command line of capq-push. */
#ifndef CAPQ_PUSH_OPTIONS_H
#define CAPQ_PUSH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"
#include "push/choice.h"
#include "push/compress.h"
#include "push/pin.h"

enum options_action {
	OPTIONS_PUSH,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_COMPLETION,
};

struct options {
	enum options_action action;
	const char *shell; /* OPTIONS_COMPLETION: for which. Borrowed from argv, as all texts here
			    * but `paths`. */
	const char *cache; /* Its name. */
	const char *host;
	const char *to;          /* Else: the URL of a plain HTTP cache; then `cache` is NULL. */
	const char *signing_key; /* With `to`: the file; NULL: none. */
	bool is_auto;            /* The cache's preferred method; else: */
	enum compress_method method;
	int64_t level;        /* -1: the method's default. */
	int64_t jobs;         /* Paths at once. */
	int64_t memory;       /* Bytes for parts and compressors. */
	int64_t limit_rate;   /* Bytes a second, over all connections; 0: any. */
	int64_t timeout_ms;   /* For all of it; 0: none. */
	int64_t retry_for_ms; /* How long one request may wait between its tries, in all. */
	int64_t patience_ms;  /* How long a server may be silent in one try. */
	bool is_json, is_shallow, is_dry_run, is_check;
	const char *lock_dir; /* NULL: none. */
	struct choice_rules choice;
	struct pin_keep keep; /* With `pin`. */
	const char *pin;      /* The pin's name; NULL: none. */

	bool reads_input; /* --stdin */
	char **paths;     /* As given, those from standard input in place of "-". */
	size_t n_paths;
};

/* Read `argv`, and `input` when it says "-" or "--stdin". CAPQ_EINVAL: the message says what is
 * wrong with it. The caller calls options_finish() in either case. */
int options_init(struct options *options, int argc, char **argv, FILE *input, struct err *err);
void options_finish(struct options *options);

#endif
