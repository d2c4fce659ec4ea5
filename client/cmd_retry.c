#include "client/act.h"

static int run(struct client *client, struct err *err)
{
	return act_on_jobs(client, "retry", err);
}

const struct command cmd_retry = {
	.name = "retry",
	.arguments = "JOB...",
	.summary = "Try failed or cancelled jobs again",
	.details = "The failures that ended a job are forgotten, those of the builds that it\n"
		   "needs too.\n",
	.examples = "capq retry 17\n"
		    "capq retry $(capq list --state failed --no-header | cut -f1)\n",
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
