/* capq, in order: read the command line up to the command, find the command, read the rest by its
 * table, find out where capqd is and who asks, run the command, and say in one line what went
 * wrong, if anything did. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/usage.h"

/* Widths of characters come from the locale. Where none is set, terminals still speak UTF-8. */
static void set_locale(void)
{
	const char *name = setlocale(LC_CTYPE, "");

	if (name == NULL || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* Options, the command, its options. `*out` is NULL when there is no command. */
static int read_command_line(
	struct client *client, int argc, char **argv, const struct command **out, struct err *err)
{
	struct options *given = &client->options;
	int rv = options_read(given, NULL, argc, argv, err);

	*out = NULL;
	if (rv == 0 && given->n_operands > 0)
		rv = command_find(given->operands[0], out, err);
	if (rv == 0 && *out != NULL)
		rv = options_read(
			given, *out, (int)given->n_operands, argv + argc - given->n_operands, err);
	output_init(&client->output, option_given(given, "json"), option_given(given, "no-color"));
	return rv;
}

static int run(struct client *client, const struct command *command, struct err *err)
{
	if (option_given(&client->options, "version")) {
		output_printf("capq %s\n", CAPQ_VERSION);
		return 0;
	}
	if (option_given(&client->options, "help")) {
		if (command == NULL)
			usage_print();
		else
			usage_print_command(command);
		return 0;
	}
	if (command == NULL)
		return err_set(err, CAPQ_EINVAL, "which command? See capq help");
	if (!command->is_local) {
		int rv = client_find_server(client, err);

		if (rv < 0)
			return rv;
	}
	return command->run(client, err);
}

int main(int argc, char **argv)
{
	struct client client = { .exit_code = EXIT_OK };
	struct err err = { 0 };
	const struct command *command;
	int rv;

	set_locale();
	rv = read_command_line(&client, argc, argv, &command, &err);
	if (rv == 0)
		rv = run(&client, command, &err);
	if (output_flush(rv == 0 ? &err : NULL) < 0 && rv == 0)
		rv = err.code;
	if (rv < 0) {
		client_complain(&client, &err);
		client.exit_code = exit_code_of(rv);
	}
	api_destroy(client.api);
	server_finish(&client.server);
	options_finish(&client.options);
	return (int)client.exit_code;
}
