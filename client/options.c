#include "client/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "lib/time_text.h"

#define OPTIONS_MAX 32 /* Of one command, the global ones included. */

/* The options of one command in the forms that getopt_long() wants. */
struct grammar {
	const struct option_spec *specs[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	size_t n;
	char program[64]; /* "capq list" */
};

static void add_specs(struct grammar *grammar, const struct option_spec *specs)
{
	for (; specs != NULL && specs->name != NULL; specs++) {
		struct option *option = &grammar->longs[grammar->n];

		if (grammar->n == OPTIONS_MAX)
			abort(); /* A table of ours has outgrown the bound. */
		option->name = specs->name;
		option->has_arg = specs->argument != NULL ? required_argument : no_argument;
		grammar->specs[grammar->n++] = specs;
		if (specs->letter != '\0') {
			size_t len = strlen(grammar->letters);

			grammar->letters[len] = specs->letter;
			grammar->letters[len + 1] = specs->argument != NULL ? ':' : '\0';
		}
	}
}

static void make_grammar(struct grammar *grammar, const struct command *command)
{
	memset(grammar, 0, sizeof *grammar);
	/* '+': stop at the first operand, the command. ':': tell a missing value apart. */
	strcpy(grammar->letters, command == NULL ? "+:" : ":");
	(void)snprintf(grammar->program, sizeof grammar->program, "capq%s%s",
		command == NULL ? "" : " ", command == NULL ? "" : command->name);
	add_specs(grammar, global_options);
	if (command != NULL)
		add_specs(grammar, command->options);
}

static const struct option_spec *spec_of_letter(const struct grammar *grammar, int letter)
{
	for (size_t i = 0; i < grammar->n; i++)
		if (grammar->specs[i]->letter == letter)
			return grammar->specs[i];
	return NULL;
}

/* `text` is the argument as typed, such as "--cap=8.6". */
static int refuse_long(
	const struct grammar *grammar, bool lacks_value, const char *text, struct err *err)
{
	cleanup_free char *name = xstrndup(text + 2, strcspn(text + 2, "="));
	const char *names[OPTIONS_MAX], *nearest[1];

	if (lacks_value)
		return err_set(err, CAPQ_EINVAL, "--%s wants a value; see %s --help", name,
			grammar->program);
	for (size_t i = 0; i < grammar->n; i++) {
		names[i] = grammar->specs[i]->name;
		if (strcmp(name, names[i]) == 0) /* Known, so this is "--json=1". */
			return err_set(err, CAPQ_EINVAL, "--%s takes no value", name);
	}
	if (str_nearest(name, names, grammar->n, nearest, 1) > 0)
		return err_set(
			err, CAPQ_EINVAL, "no option --%s; did you mean --%s?", name, nearest[0]);
	return err_set(err, CAPQ_EINVAL, "no option --%s; see %s --help", name, grammar->program);
}

static int refuse(
	const struct grammar *grammar, bool lacks_value, const char *text, struct err *err)
{
	if (optopt == 0) /* getopt_long() sets it for letters only. */
		return refuse_long(grammar, lacks_value, text, err);
	return err_set(err, CAPQ_EINVAL,
		lacks_value ? "-%c wants a value; see %s --help" : "no option -%c; see %s --help",
		optopt, grammar->program);
}

static void note(struct options *options, const struct option_spec *spec, const char *value)
{
	array_reserve(
		&options->given, &options->capacity, options->n_given + 1, sizeof *options->given);
	options->given[options->n_given++] = (struct option_given){ .spec = spec, .value = value };
}

static int check_operands(
	const struct options *options, const struct command *command, struct err *err)
{
	if (option_given(options, "help"))
		return 0;
	if (options->n_operands < command->min_operands)
		return err_set(err, CAPQ_EINVAL, "something is missing; usage: capq %s %s",
			command->name, command->arguments);
	if (options->n_operands > command->max_operands)
		return err_set(err, CAPQ_EINVAL, "'%.100s' is too much; usage: capq %s%s%s",
			options->operands[command->max_operands], command->name,
			command->arguments[0] != '\0' ? " " : "", command->arguments);
	return 0;
}

int options_read(struct options *options, const struct command *command, int argc, char **argv,
	struct err *err)
{
	struct grammar grammar;
	int c, index = 0;

	make_grammar(&grammar, command);
	opterr = 0;
	optind = 0; /* GNU: begin anew. */
	while ((c = getopt_long(argc, argv, grammar.letters, grammar.longs, &index)) != -1) {
		if (c == '?' || c == ':')
			return refuse(&grammar, c == ':', argv[optind - 1], err);
		note(options, c == 0 ? grammar.specs[index] : spec_of_letter(&grammar, c), optarg);
	}
	options->operands = (const char *const *)argv + optind;
	options->n_operands = (size_t)(argc - optind);
	return command == NULL ? 0 : check_operands(options, command, err);
}

void options_finish(struct options *options)
{
	free(options->given);
	*options = (struct options){ 0 };
}

const char *option_next(const struct options *options, const char *name, size_t *at)
{
	while (*at < options->n_given) {
		const struct option_given *given = &options->given[(*at)++];

		if (strcmp(given->spec->name, name) == 0)
			return given->value == NULL ? "" : given->value;
	}
	return NULL;
}

const char *option_text(const struct options *options, const char *name)
{
	const char *last = NULL, *value;
	size_t at = 0;

	while ((value = option_next(options, name, &at)) != NULL)
		last = value;
	return last;
}

bool option_given(const struct options *options, const char *name)
{
	return option_text(options, name) != NULL;
}

int option_int(const struct options *options, const char *name, int64_t min, int64_t max,
	int64_t fallback, int64_t *out, struct err *err)
{
	const char *text = option_text(options, name);

	if (text == NULL)
		*out = fallback;
	else if (!str_to_int(text, min, max, out))
		return err_set(err, CAPQ_EINVAL,
			"--%s '%.40s': expected a whole number from %" PRId64 " to %" PRId64, name,
			text, min, max);
	return 0;
}

int option_duration(const struct options *options, const char *name, int64_t fallback_ms,
	int64_t *out_ms, struct err *err)
{
	const char *text = option_text(options, name);

	if (text == NULL)
		*out_ms = fallback_ms;
	else if (!duration_from_text(text, out_ms))
		return err_set(err, CAPQ_EINVAL,
			"--%s '%.40s': expected a time such as 90s, 10m or 1h30m", name, text);
	return 0;
}

int option_size(const struct options *options, const char *name, int64_t fallback,
	int64_t *out_bytes, struct err *err)
{
	const char *text = option_text(options, name);

	if (text == NULL)
		*out_bytes = fallback;
	else if (!size_from_text(text, out_bytes))
		return err_set(err, CAPQ_EINVAL,
			"--%s '%.40s': expected a size such as 4096, 64KiB or 1MiB", name, text);
	return 0;
}
