#include "client/client.h"
#include "client/save.h"

static const struct option_spec options[] = {
	{ "force", '\0', NULL, "replace a file that is there" },
	{ .name = NULL },
};

static int run(struct client *client, struct err *err)
{
	const char *path = client->options.operands[0];
	struct stream_request request = { .method = "POST", .path = "/backup" };
	cleanup_stream struct stream *stream = NULL;
	bool replaces = option_given(&client->options, "force");
	int64_t size = 0;
	int rv = save_check(path, replaces, err);

	if (rv == 0)
		rv = api_open(client->api, &request, &stream, err);
	if (rv == 0) /* The data base knows who submitted what: it is for its owner only. */
		rv = save_write(stream, path, 0600, &size, err);
	if (rv == 0)
		rv = save_keep(path, replaces, err);
	if (rv == 0)
		save_print(&client->output, path, size);
	return rv;
}

const struct command cmd_backup = {
	.name = "backup",
	.arguments = "FILE",
	.summary = "Save a copy of the data base while capqd runs",
	.details = "The copy is consistent and is an SQLite file; to restore, stop capqd and\n"
		   "put it where capqd.db was. FILE appears only when it is whole and on the\n"
		   "disk.\n",
	.examples = "capq backup /var/backups/capqd-$(date +%F).db\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
