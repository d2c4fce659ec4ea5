#include "push/option_table.h"

#include <string.h>

#define HELP_COLUMN 25

const struct option_row option_rows[] = {
	[OPTION_CACHE] = { "cache", "NAME", NULL, "the cache at Cachix to push to" },
	[OPTION_HOST] = { "host", "URL", NULL, "where it is (https://cachix.org)" },
	[OPTION_TO] = { "to", "URL", NULL,
		"another cache to push to: any HTTP server that takes PUT" },
	[OPTION_SIGNING_KEY] = { "signing-key", "FILE", NULL,
		"with --to: the secret key to sign with, as Nix makes it" },
	[OPTION_COMPRESSION] = { "compression", "HOW", "auto zstd xz",
		"zstd, xz, or auto: what the cache prefers (auto)" },
	[OPTION_LEVEL] = { "level", "N", NULL,
		"of compression: 0 to 19 with zstd, 0 to 9 with xz (3, or 2)" },
	[OPTION_JOBS] = { "jobs", "N", NULL, "paths at once (32)" },
	[OPTION_MEMORY] = { "memory", "SIZE", NULL, "that it may take, in all (128MiB)" },
	[OPTION_LIMIT_RATE] = { "limit-rate", "SIZE", NULL,
		"send no more than this a second, in all (any)" },
	[OPTION_NO_CLOSURE] = { "no-closure", NULL, NULL,
		"only the given paths, not what they refer to" },
	[OPTION_SKIP] = { "skip", "PATTERN", NULL,
		"leave out paths whose name matches; may be repeated" },
	[OPTION_MAX_NAR_SIZE] = { "max-nar-size", "SIZE", NULL,
		"leave out paths whose NAR is larger" },
	[OPTION_UPSTREAM] = { "upstream", "KEY", NULL,
		"leave out paths signed by it, NAME or NAME:BASE64; may be repeated" },
	[OPTION_PIN] = { "pin", "NAME", NULL, "pin the given path under that name" },
	[OPTION_KEEP_DAYS] = { "keep-days", "N", NULL, "of the pin: for so many days" },
	[OPTION_KEEP_REVISIONS] = { "keep-revisions", "N", NULL,
		"of the pin: so many of its newest paths" },
	[OPTION_KEEP_FOREVER] = { "keep-forever", NULL, NULL, "of the pin: for ever" },
	[OPTION_DRY_RUN] = { "dry-run", NULL, NULL, "say what would be pushed, and push nothing" },
	[OPTION_CHECK] = { "check", NULL, NULL,
		"say which of the given paths the cache lacks, and no more" },
	[OPTION_STDIN] = { "stdin", NULL, NULL, "read paths from standard input, one a line" },
	[OPTION_LOCK_DIR] = { "lock-dir", "DIR", NULL,
		"share the work with other capq-push that have the same DIR" },
	[OPTION_RETRY_FOR] = { "retry-for", "TIME", NULL,
		"how long a failed request is tried again (90s)" },
	[OPTION_PATIENCE] = { "patience", "TIME", NULL,
		"how long a server may be silent before a request is tried again (60s)" },
	[OPTION_TIMEOUT] = { "timeout", "TIME", NULL, "give up after this (never)" },
	[OPTION_JSON] = { "json", NULL, NULL, "one JSON object a line on standard output" },
	[OPTION_COMPLETION] = { "completion", "SHELL", "bash fish zsh",
		"print a completion script for it" },
	[OPTION_VERSION] = { "version", NULL, NULL, "print the version" },
	[OPTION_HELP] = { "help", NULL, NULL, "print this" },
};

_Static_assert(sizeof option_rows / sizeof option_rows[0] == OPTION_IDS, "one row an option");

/* ---- help ---- */

static void print_row(const struct option_row *row, FILE *out)
{
	int width = fprintf(out, "  --%s%s%s", row->name, row->argument == NULL ? "" : " ",
		row->argument == NULL ? "" : row->argument);

	(void)fprintf(out, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", row->help);
}

void option_print_help(FILE *out)
{
	(void)fputs(
		"usage: capq-push --cache NAME [OPTION]... PATH...\n"
		"       capq-push --to URL [OPTION]... PATH...\n"
		"\n"
		"Bring store paths and all that they refer to into a binary cache. A PATH may be "
		"a store\n"
		"path or a link to one; `-` reads them from standard input, one a line.\n"
		"\n",
		out);
	for (int id = 0; id < OPTION_IDS; id++)
		print_row(&option_rows[id], out);
	(void)fputs("\n"
		    "The cache's token is read from $CREDENTIALS_DIRECTORY/cachix-auth-token, else "
		    "from\n"
		    "CACHIX_AUTH_TOKEN; a signing key from cachix-signing-key there, else from\n"
		    "CACHIX_SIGNING_KEY.\n"
		    "\n"
		    "Exit status: 0 all there, 1 some path failed, or with --check is missing, 2 "
		    "usage,\n"
		    "3 cache unreachable, 4 not permitted.\n",
		out);
}

/* ---- completion ---- */

static void print_bash(FILE *out)
{
	(void)fputs("# bash completion for capq-push, made by `capq-push --completion bash`.\n"
		    "_capq_push() {\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		    "\tCOMPREPLY=()\n"
		    "\tcase $prev in\n",
		out);
	for (const struct option_row *row = option_rows; row < option_rows + OPTION_IDS; row++) {
		if (row->words != NULL)
			(void)fprintf(out,
				"\t--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
				row->name, row->words);
		else if (row->argument != NULL && strcmp(row->argument, "DIR") != 0)
			(void)fprintf(out, "\t--%s) return ;;\n", row->name);
	}
	(void)fputs("\tesac\n"
		    "\tif [[ $cur == -* ]]; then\n"
		    "\t\tCOMPREPLY=($(compgen -W '",
		out);
	for (int id = 0; id < OPTION_IDS; id++)
		(void)fprintf(out, "%s--%s", id == 0 ? "" : " ", option_rows[id].name);
	(void)fputs("' -- \"$cur\"))\n"
		    "\telse\n"
		    "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		    "\tfi\n"
		    "}\n"
		    "complete -F _capq_push capq-push\n",
		out);
}

static void print_fish(FILE *out)
{
	(void)fputs(
		"# fish completion for capq-push, made by `capq-push --completion fish`.\n", out);
	for (const struct option_row *row = option_rows; row < option_rows + OPTION_IDS; row++) {
		(void)fprintf(out, "complete -c capq-push -l %s", row->name);
		if (row->words != NULL)
			(void)fprintf(out, " -x -a '%s'", row->words);
		else if (row->argument != NULL)
			(void)fputs(strcmp(row->argument, "DIR") == 0 ? " -r -F" : " -x", out);
		(void)fprintf(out, " -d '%s'\n", row->help);
	}
}

/* A colon ends the part before it in zsh's own language. */
static void print_zsh_help(const char *help, FILE *out)
{
	for (; *help != '\0'; help++)
		(void)fprintf(out, *help == ':' ? "\\%c" : "%c", *help);
}

static void print_zsh(FILE *out)
{
	(void)fputs("#compdef capq-push\n"
		    "# zsh completion for capq-push, made by `capq-push --completion zsh`.\n"
		    "_arguments",
		out);
	for (const struct option_row *row = option_rows; row < option_rows + OPTION_IDS; row++) {
		(void)fprintf(out, " \\\n\t'*--%s[", row->name);
		print_zsh_help(row->help, out);
		(void)fputc(']', out);
		if (row->words != NULL)
			(void)fprintf(out, ":%s:(%s)", row->argument, row->words);
		else if (row->argument != NULL)
			(void)fprintf(out, ":%s:%s", row->argument,
				strcmp(row->argument, "DIR") == 0 ? "_files -/" : " ");
		(void)fputc('\'', out);
	}
	(void)fputs(" \\\n\t'*:path:_files'\n", out);
}

bool option_print_completion(const char *shell, FILE *out)
{
	static const struct {
		const char *shell;
		void (*print)(FILE *out);
	} shells[] = { { "bash", print_bash }, { "fish", print_fish }, { "zsh", print_zsh } };

	for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
		if (strcmp(shell, shells[i].shell) == 0) {
			shells[i].print(out);
			return true;
		}
	}
	return false;
}
