#include "client/usage.h"

#include <stdio.h>
#include <string.h>

#include "lib/str.h"

#define OPTION_WIDTH 24

static void print_option(const struct option_spec *option)
{
	cleanup_str struct str left = { 0 };

	if (option->letter != '\0')
		str_addf(&left, "-%c, ", option->letter);
	str_addf(&left, "--%s", option->name);
	if (option->argument != NULL)
		str_addf(&left, " %s", option->argument);
	(void)printf("  %-*s  %s\n", OPTION_WIDTH, left.text, option->help);
}

static void print_options(const char *title, const struct option_spec *options)
{
	if (options == NULL)
		return;
	(void)printf("\n%s:\n", title);
	for (; options->name != NULL; options++)
		print_option(options);
}

void usage_print(void)
{
	(void)puts(
		"Usage: capq [OPTION...] COMMAND [ARGUMENT...]\n"
		"\n"
		"Asks capqd to build CUDA packages of nixpkgs for capability sets and to keep a\n"
		"cache filled with them.\n"
		"\n"
		"Commands, which may be shortened while unambiguous:");
	for (const struct command *const *c = commands; *c != NULL; c++)
		(void)printf("  %-10s  %s\n", (*c)->name, (*c)->summary);
	print_options("Options, before or behind the command", global_options);
	(void)puts("\n"
		   "Environment:\n"
		   "  CAPQ_SERVER               where capqd is, when --server does not say\n"
		   "  CAPQ_TOKEN                who asks, over TCP; or CAPQ_TOKEN_FILE, a file "
		   "with it\n"
		   "  NO_COLOR                  no colours\n"
		   "\n"
		   "Exit codes: 0 all is well, 1 a job failed or something else went wrong, 2 "
		   "usage or\n"
		   "not found, 3 capqd cannot be reached, 4 not permitted, 5 timed out.\n"
		   "\n"
		   "`capq help COMMAND` says more.");
}

/* Lines, each indented. */
static void print_indented(const char *lines)
{
	while (*lines != '\0') {
		int len = (int)strcspn(lines, "\n");

		(void)printf("  %.*s\n", len, lines);
		lines += len + (lines[len] == '\n');
	}
}

void usage_print_command(const struct command *command)
{
	const char *space = command->arguments[0] != '\0' ? " " : "";

	(void)printf("Usage: capq %s%s%s%s\n\n%s.\n", command->name, space, command->arguments,
		command->options != NULL ? " [OPTION...]" : "", command->summary);
	if (command->details[0] != '\0')
		(void)printf("\n%s", command->details);
	print_options("Options", command->options);
	print_options("Options of every command", global_options);
	(void)puts("\nExamples:");
	print_indented(command->examples);
}
