/* Completion scripts, made from the table of commands: commands, their options, and files where an
 * option or argument is one. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "lib/str.h"

static bool wants_file(const struct option_spec *option)
{
	return option->argument != NULL && strcmp(option->argument, "FILE") == 0;
}

static bool takes_files(const struct command *command)
{
	return strcmp(command->arguments, "FILE") == 0 ||
	       strcmp(command->arguments, "PATH...") == 0;
}

/* `text` for use inside of single quotes; zsh also wants some characters of its own escaped. */
static void print_quoted(const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", stdout);
		else if (strchr(special, *text) != NULL)
			(void)printf("\\%c", *text);
		else
			(void)putchar(*text);
	}
}

/* ---- bash ---- */

static void print_bash_words(const struct option_spec *option)
{
	for (; option != NULL && option->name != NULL; option++)
		(void)printf(" --%s", option->name);
}

/* The options behind which a value comes that cannot be guessed. */
static void print_bash_values(const struct option_spec *option, const char **separator)
{
	for (; option != NULL && option->name != NULL; option++) {
		if (option->argument == NULL || wants_file(option))
			continue;
		(void)printf("%s--%s", *separator, option->name);
		*separator = "|";
	}
}

/* The options behind which a file comes, of which no two have the same name. */
static void print_bash_files(void)
{
	const char *separator = "";

	for (const struct command *const *c = commands; *c != NULL; c++) {
		const struct option_spec *option = (*c)->options;

		for (; option != NULL && option->name != NULL; option++) {
			if (!wants_file(option))
				continue;
			(void)printf("%s--%s", separator, option->name);
			if (option->letter != '\0')
				(void)printf("|-%c", option->letter);
			separator = "|";
		}
	}
}

static void print_bash(void)
{
	const char *separator = "";

	(void)puts("# bash completion for capq, made by `capq completion bash`.\n"
		   "_capq() {\n"
		   "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		   "\tlocal command= words i\n"
		   "\tCOMPREPLY=()\n"
		   "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		   "\t\tcase ${COMP_WORDS[i]} in\n"
		   "\t\t--server) ((i++)) ;;\n"
		   "\t\t-*) ;;\n"
		   "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		   "\t\tesac\n"
		   "\tdone\n"
		   "\tcase $prev in");
	(void)printf("\t");
	print_bash_values(global_options, &separator);
	for (const struct command *const *c = commands; *c != NULL; c++)
		print_bash_values((*c)->options, &separator);
	(void)printf(") return ;;\n\t");
	print_bash_files();
	(void)printf(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
		     "\tesac\n"
		     "\tcase $command in\n"
		     "\t'') words='");
	for (const struct command *const *c = commands; *c != NULL; c++)
		(void)printf("%s ", (*c)->name);
	print_bash_words(global_options);
	(void)puts("' ;;");
	for (const struct command *const *c = commands; *c != NULL; c++) {
		(void)printf("\t%s) words='", (*c)->name);
		print_bash_words((*c)->options);
		print_bash_words(global_options);
		(void)puts("' ;;");
	}
	(void)puts("\t*) return ;;\n"
		   "\tesac\n"
		   "\tif [[ ( $command == backup || $command == inspect ) && $cur != -* ]]; then\n"
		   "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		   "\telse\n"
		   "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		   "\tfi\n"
		   "}\n"
		   "complete -F _capq capq");
}

/* ---- fish ---- */

static void print_fish_options(const char *condition, const struct option_spec *option)
{
	for (; option != NULL && option->name != NULL; option++) {
		(void)printf("complete -c capq%s -l %s", condition, option->name);
		if (option->letter != '\0')
			(void)printf(" -s %c", option->letter);
		if (option->argument != NULL)
			(void)printf(wants_file(option) ? " -r -F" : " -x");
		(void)printf(" -d '");
		print_quoted(option->help, "\\");
		(void)puts("'");
	}
}

static void print_fish(void)
{
	(void)puts("# fish completion for capq, made by `capq completion fish`.\n"
		   "complete -c capq -f");
	print_fish_options("", global_options);
	for (const struct command *const *c = commands; *c != NULL; c++) {
		cleanup_str struct str condition = { 0 };

		(void)printf("complete -c capq -n __fish_use_subcommand -a %s -d '", (*c)->name);
		print_quoted((*c)->summary, "\\");
		(void)puts("'");
		str_addf(&condition, " -n '__fish_seen_subcommand_from %s'", (*c)->name);
		print_fish_options(condition.text, (*c)->options);
	}
	(void)puts("complete -c capq -n '__fish_seen_subcommand_from backup inspect' -F");
}

/* ---- zsh ---- */

static void print_zsh_options(const struct option_spec *option)
{
	for (; option != NULL && option->name != NULL; option++) {
		(void)printf(" \\\n\t\t\t'*--%s[", option->name);
		print_quoted(option->help, "[]:\\");
		(void)printf("]%s'", option->argument == NULL ? ""
				     : wants_file(option)     ? ":file:_files"
							      : ":value: ");
	}
}

static void print_zsh(void)
{
	(void)puts("#compdef capq\n"
		   "# zsh completion for capq, made by `capq completion zsh`.\n"
		   "_capq() {\n"
		   "\tlocal state line\n"
		   "\tlocal -a commands\n"
		   "\tcommands=(");
	for (const struct command *const *c = commands; *c != NULL; c++) {
		(void)printf("\t\t'%s:", (*c)->name);
		print_quoted((*c)->summary, ":\\");
		(void)puts("'");
	}
	(void)printf("\t)\n\t_arguments -C");
	print_zsh_options(global_options);
	(void)puts(" \\\n\t\t\t'1: :->command' '*:: :->rest'\n"
		   "\tcase $state in\n"
		   "\tcommand) _describe command commands ;;\n"
		   "\trest)\n"
		   "\t\tcase $line[1] in");
	for (const struct command *const *c = commands; *c != NULL; c++) {
		(void)printf("\t\t%s)\n\t\t\t_arguments", (*c)->name);
		print_zsh_options((*c)->options);
		print_zsh_options(global_options);
		(void)printf("%s ;;\n", takes_files(*c) ? " '*:file:_files'" : "");
	}
	(void)puts("\t\tesac ;;\n"
		   "\tesac\n"
		   "}\n"
		   "_capq \"$@\"");
}

/* ---- the command ---- */

static int run(struct client *client, struct err *err)
{
	const char *shell = client->options.operands[0];

	if (strcmp(shell, "bash") == 0)
		print_bash();
	else if (strcmp(shell, "fish") == 0)
		print_fish();
	else if (strcmp(shell, "zsh") == 0)
		print_zsh();
	else
		return err_set(err, CAPQ_EINVAL,
			"no completion for '%.40s'; there is one for bash, "
			"fish and zsh",
			shell);
	return 0;
}

const struct command cmd_completion = {
	.name = "completion",
	.arguments = "bash|fish|zsh",
	.summary = "Print a completion script for a shell",
	.details = "Installed packages have it in place already.\n",
	.examples = "source <(capq completion bash)\n"
		    "capq completion fish > ~/.config/fish/completions/capq.fish\n",
	.min_operands = 1,
	.max_operands = 1,
	.is_local = true,
	.run = run,
};
