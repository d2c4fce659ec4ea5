#include "client/client.h"
#include "client/usage.h"

static int run(struct client *client, struct err *err)
{
	const struct command *command;
	int rv;

	if (client->options.n_operands == 0) {
		usage_print();
		return 0;
	}
	rv = command_find(client->options.operands[0], &command, err);
	if (rv == 0)
		usage_print_command(command);
	return rv;
}

const struct command cmd_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "Explain capq, or a command",
	.details = "",
	.examples = "capq help submit\n",
	.max_operands = 1,
	.is_local = true,
	.run = run,
};
