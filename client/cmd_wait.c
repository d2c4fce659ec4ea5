#include "client/follow.h"
#include "client/select.h"
#include "lib/mem.h"

static const struct option_spec options[] = {
	{ "timeout", 't', "TIME", "wait no longer than this, such as 90s, 10m or 1h30m" },
	{ "patience", '\0', "TIME", "wait that long for a capqd that went away; else 2m" },
	{ .name = NULL },
};

static int run(struct client *client, struct err *err)
{
	const struct options *given = &client->options;
	cleanup_free int64_t *ids = NULL;
	int rv = select_jobs(client->api, given->operands, given->n_operands, &ids, err);

	if (rv < 0)
		return rv;
	return follow_to_end(client, ids, given->n_operands, false, err);
}

const struct command cmd_wait = {
	.name = "wait",
	.arguments = "JOB...",
	.summary = "Wait until jobs are finished",
	.details = "Exits with 0 when all are done, with 1 when one of them failed, was\n"
		   "cancelled or superseded, and with 5 when that took longer than --timeout.\n"
		   "Jobs go on in any case.\n"
		   "\n"
		   "On a terminal a table is drawn in place; elsewhere every change is one\n"
		   "line. With --json, all jobs are printed at the end. A restart of capqd is\n"
		   "survived.\n",
	.examples = "capq wait 17 18 --timeout 2h\n"
		    "capq wait python3Packages.torch@8.6 && echo in the cache\n",
	.options = options,
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
