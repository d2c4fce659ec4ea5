#include <inttypes.h>
#include <poll.h>

#include "client/client.h"
#include "client/member.h"

#define POLL_MS 2000

static const struct option_spec options[] = {
	{ "off", '\0', NULL, "start things again" },
	{ "wait", 'w', NULL, "wait until nothing runs any more" },
	{ .name = NULL },
};

static int set_drain(struct client *client, bool drain, struct json **out, struct err *err)
{
	struct stream_request request = {
		.method = "POST",
		.path = "/drain",
		.content_type = "application/json",
		.body = drain ? "{\"drain\":true}" : "{\"drain\":false}",
	};

	return api_call(client->api, &request, out, err);
}

static int64_t count_running(const struct json *status)
{
	int64_t n = member_int(status, "evaluating", 0) + member_int(status, "pushing", 0);

	for (const struct json *v = json_first(json_get(status, "builders")); v; v = json_next(v))
		n += member_int(v, "running", 0) + member_int(v, "fetching", 0);
	return n;
}

/* Ask every other second: events tell of states, not of children. */
static int wait_for_end(struct client *client, struct err *err)
{
	for (;;) {
		cleanup_json struct json *status = NULL;
		int rv = api_get(client->api, &status, err, "/status");

		if (rv < 0)
			return rv;
		if (!member_bool(status, "draining"))
			return err_set(err, CAPQ_EFAILED, "somebody has ended the drain meanwhile");
		if (count_running(status) == 0)
			return 0;
		(void)poll(NULL, 0, POLL_MS);
	}
}

static void print_answer(const struct output *output, const struct json *answer)
{
	if (output->is_json)
		output_json(answer);
	else if (member_bool(answer, "draining"))
		output_printf("draining: nothing new starts, %" PRId64 " still run\n",
			member_int(answer, "running", 0));
	else
		output_printf("not draining: what is ready starts\n");
}

static int run(struct client *client, struct err *err)
{
	bool off = option_given(&client->options, "off");
	bool waits = option_given(&client->options, "wait");
	cleanup_json struct json *answer = NULL;
	int rv;

	if (off && waits)
		return err_set(err, CAPQ_EINVAL, "--off and --wait do not go together");
	rv = set_drain(client, !off, &answer, err);
	if (rv < 0)
		return rv;
	print_answer(&client->output, answer);
	if (!waits)
		return 0;
	rv = output_flush(err);
	if (rv == 0)
		rv = wait_for_end(client, err);
	if (rv == 0 && !client->output.is_json)
		output_printf("nothing runs any more\n");
	return rv;
}

const struct command cmd_drain = {
	.name = "drain",
	.arguments = "",
	.summary = "Start nothing any more, or go on",
	.details = "What runs is finished. Survives a restart of capqd, until --off. Before an\n"
		   "upgrade: drain, wait, restart, and --off.\n",
	.examples = "capq drain --wait && systemctl restart capqd && capq drain --off\n",
	.options = options,
	.run = run,
};
