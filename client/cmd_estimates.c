#include <inttypes.h>

#include "client/client.h"
#include "client/member.h"

static const struct option_spec options[] = {
	{ "rebuild", '\0', NULL, "learn what builds cost anew, from history" },
	{ .name = NULL },
};

static int run(struct client *client, struct err *err)
{
	struct stream_request request = { .method = "POST", .path = "/estimates/rebuild" };
	cleanup_json struct json *answer = NULL;
	int rv;

	if (!option_given(&client->options, "rebuild"))
		return err_set(err, CAPQ_EINVAL,
			"what shall be done with the estimates? There is --rebuild");
	rv = api_call(client->api, &request, &answer, err);
	if (rv < 0)
		return rv;
	if (client->output.is_json)
		output_json(answer);
	else
		output_printf("learnt from %" PRId64 " rows of history, %" PRId64
			      " packages; %" PRId64 " builds that wait are estimated anew\n",
			member_int(answer, "rows", 0), member_int(answer, "packages", 0),
			member_int(answer, "builds", 0));
	return 0;
}

const struct command cmd_estimates = {
	.name = "estimates",
	.arguments = "--rebuild",
	.summary = "Learn what builds cost anew from history",
	.details = "As at every start of capqd, from the newest 50,000 rows, while it goes on\n"
		   "working. It is needed only after history or the speed of a builder was\n"
		   "changed by hand: capqd learns from every build that ends.\n",
	.examples = "capq estimates --rebuild\n",
	.options = options,
	.run = run,
};
