#include <inttypes.h>

#include "client/client.h"
#include "client/member.h"

static void print_json(const struct json *daemon)
{
	struct json_out json = { 0 };
	cleanup_str struct str text = { 0 };

	json_print(daemon, &text);
	json_out_object(&json, NULL);
	json_out_text(&json, "client", CAPQ_VERSION);
	json_out_raw(&json, "daemon", text.text);
	json_out_end_object(&json);
	output_json_text(json.text.text);
	str_free(&json.text);
}

static void print_daemon(const char *server, const struct json *daemon)
{
	output_printf("capqd %s at %s (API %" PRId64 ", schema %" PRId64 ", %s)\n",
		member_text(daemon, "version", "?"), server, member_int(daemon, "api", 0),
		member_int(daemon, "schema", 0), member_text(daemon, "nix", "Nix not known"));
}

static int run(struct client *client, struct err *err)
{
	cleanup_json struct json *daemon = NULL;
	int rv = api_get(client->api, &daemon, err, "/version");

	if (client->output.is_json) {
		print_json(daemon);
		return rv;
	}
	output_printf("capq %s\n", CAPQ_VERSION);
	if (rv == 0)
		print_daemon(client->server.name, daemon);
	return rv;
}

const struct command cmd_version = {
	.name = "version",
	.arguments = "",
	.summary = "Print the versions of capq and capqd",
	.details = "`capq --version` prints that of capq without asking anybody.\n",
	.examples = "capq version\n",
	.run = run,
};
