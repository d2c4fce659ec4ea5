#include "client/act.h"

static int run(struct client *client, struct err *err)
{
	return act_on_jobs(client, "hold", err);
}

const struct command cmd_hold = {
	.name = "hold",
	.arguments = "JOB...",
	.summary = "Let nothing start for jobs until they are released",
	.details = "What runs for them goes on.\n",
	.examples = "capq hold 17\n",
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
