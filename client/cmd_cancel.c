#include "client/act.h"

static int run(struct client *client, struct err *err)
{
	return act_on_jobs(client, "cancel", err);
}

const struct command cmd_cancel = {
	.name = "cancel",
	.arguments = "JOB...",
	.summary = "End jobs",
	.details = "Builds that other jobs need go on; those that nobody needs are stopped.\n",
	.examples = "capq cancel 17 18\n"
		    "capq cancel python3Packages.torch@8.6\n",
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
