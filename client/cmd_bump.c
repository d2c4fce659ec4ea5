#include "client/act.h"

static int run(struct client *client, struct err *err)
{
	return act_on_jobs(client, "bump", err);
}

const struct command cmd_bump = {
	.name = "bump",
	.arguments = "JOB...",
	.summary = "Put jobs before all others",
	.details = "Also before those that were bumped earlier.\n",
	.examples = "capq bump 17\n",
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
