/* The options of capq-push: the one table that the command line is read by, and that its help and
 * the completion scripts are printed from. A test holds the manual page to it. */
#ifndef CAPQ_PUSH_OPTION_TABLE_H
#define CAPQ_PUSH_OPTION_TABLE_H

#include <stdbool.h>
#include <stdio.h>

/* In the order of the help. */
enum option_id {
	OPTION_CACHE,
	OPTION_HOST,
	OPTION_TO,
	OPTION_SIGNING_KEY,
	OPTION_COMPRESSION,
	OPTION_LEVEL,
	OPTION_JOBS,
	OPTION_MEMORY,
	OPTION_LIMIT_RATE,
	OPTION_NO_CLOSURE,
	OPTION_SKIP,
	OPTION_MAX_NAR_SIZE,
	OPTION_UPSTREAM,
	OPTION_PIN,
	OPTION_KEEP_DAYS,
	OPTION_KEEP_REVISIONS,
	OPTION_KEEP_FOREVER,
	OPTION_DRY_RUN,
	OPTION_CHECK,
	OPTION_STDIN,
	OPTION_LOCK_DIR,
	OPTION_RETRY_FOR,
	OPTION_PATIENCE,
	OPTION_TIMEOUT,
	OPTION_JSON,
	OPTION_COMPLETION,
	OPTION_VERSION,
	OPTION_HELP,
	OPTION_IDS,
};

struct option_row {
	const char *name;     /* Without the dashes. */
	const char *argument; /* What help calls it; NULL: it takes none. */
	const char *words;    /* What it may be, in blanks between; NULL: anything. */
	const char *help;     /* A line without a full stop. */
};

/* OPTION_IDS of them, by their id. */
extern const struct option_row option_rows[];

void option_print_help(FILE *out);

/* The completion script for `shell`: bash, fish or zsh. False: there is none for it. */
bool option_print_completion(const char *shell, FILE *out);

#endif
