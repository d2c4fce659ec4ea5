/* What a command is. Each stands in a file of its own, cmd_NAME.c, as one `const struct command`;
 * the table of them (commands.c) gives dispatch, usage, help, completion and the test that holds
 * the manual page to it. */
#ifndef CAPQ_CLIENT_COMMAND_H
#define CAPQ_CLIENT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct client;

struct option_spec {
	const char *name;     /* "rev" for --rev; NULL behind the last of a list. */
	char letter;          /* 'f' for -f as well; 0: none. */
	const char *argument; /* "REV": it takes one; NULL: a flag. */
	const char *help;     /* One line, no full stop. */
};

struct command {
	const char *name;
	const char *arguments; /* As in usage, "JOB..."; "" for none. */
	const char *summary;   /* One line for the list of commands. */
	const char *details; /* Lines for `capq help NAME`, each ended; "" when the summary does. */
	const char *examples;              /* Lines as typed, each ended, comments behind '#'. */
	const struct option_spec *options; /* Beside the global ones; NULL: none. */
	size_t min_operands, max_operands; /* Arguments that are no options. */
	bool is_local;                     /* It needs no server. */

	/* Do it. 0: it went well, or as client->exit_code says; a negative code: main() prints
	 * `err` and exits with what the code stands for. */
	int (*run)(struct client *client, struct err *err);
};

#define OPERANDS_MAX 100000 /* "Any number". */

/* Options that every command takes. */
extern const struct option_spec global_options[];

/* All commands in the order of the help, NULL behind the last. */
extern const struct command *const commands[];

/* Find a command by its name or an unambiguous beginning of it. CAPQ_EINVAL names the ones that
 * were meant, or the nearest. */
int command_find(const char *name, const struct command **out, struct err *err);

#endif
