#include "client/event_source.h"
#include "client/follow.h"
#include "client/select.h"
#include "lib/mem.h"

static const struct option_spec options[] = {
	{ "forever", '\0', NULL, "go on when nothing is live" },
	{ "patience", '\0', "TIME", "wait that long for a capqd that went away; else 2m" },
	{ .name = NULL },
};

static int fill(struct client *client, struct job_set *set, struct err *err)
{
	const struct options *given = &client->options;
	cleanup_free int64_t *ids = NULL;
	int rv;

	set->is_everything = given->n_operands == 0;
	rv = select_jobs(client->api, given->operands, given->n_operands, &ids, err);
	for (size_t i = 0; i < given->n_operands && rv == 0; i++)
		job_set_add(set, ids[i]);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	struct follow_spec spec = { .style = report_style(&client->output, REPORT_JSON),
		.timeout_ms = -1,
		.is_forever = option_given(&client->options, "forever") };
	struct job_set set = { 0 };
	int rv = option_duration(
		&client->options, "patience", EVENT_SOURCE_PATIENCE_MS, &spec.patience_ms, err);

	if (rv == 0)
		rv = fill(client, &set, err);
	if (rv == 0)
		rv = follow_jobs(client, &spec, &set, err);
	job_set_finish(&set);
	return rv;
}

const struct command cmd_watch = {
	.name = "watch",
	.arguments = "[JOB...]",
	.summary = "Watch jobs, or all that are live, as they go",
	.details = "On a terminal a table that is drawn in place, with a line above it for\n"
		   "each job that ends. Elsewhere one line a change, and one every 30 seconds\n"
		   "when nothing changes. With --json, one object a change. Ends when nothing\n"
		   "is live any more.\n",
	.examples = "capq watch\n"
		    "capq watch 17 18\n"
		    "capq watch --forever --json\n",
	.options = options,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
