#include "client/act.h"

static int run(struct client *client, struct err *err)
{
	return act_on_jobs(client, "release", err);
}

const struct command cmd_release = {
	.name = "release",
	.arguments = "JOB...",
	.summary = "Let held jobs go on",
	.details = "",
	.examples = "capq release 17\n"
		    "capq release $(capq list --state on_hold --no-header | cut -f1)\n",
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
