#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/now.h"
#include "client/save.h"
#include "client/text.h"
#include "lib/time_text.h"

static const struct option_spec options[] = {
	{ "trace", '\0', NULL, "what was built, as a trace for capq-sim" },
	{ "history", '\0', "FILE", "also save what had been built before, for capq-sim" },
	{ "since", '\0', "TIME",
		"only what was submitted in the last TIME, such as 30d; else all" },
	{ "output", 'o', "FILE", "save it there; else it is printed" },
	{ .name = NULL },
};

/* "/export/trace?since=..."; 0: all. */
static void add_path(struct str *out, const char *what, int64_t since_ms)
{
	char text[TIME_TEXT_MAX];

	str_addf(out, "/export/%s", what);
	if (since_ms == 0)
		return;
	time_to_rfc3339(since_ms, text);
	str_add(out, "?since=");
	text_add_escaped(out, text);
}

static int print_stream(struct stream *stream, struct err *err)
{
	const char *bytes;
	size_t len;
	int rv;

	while ((rv = stream_read(stream, STREAM_SILENCE_MS, &bytes, &len, err)) == STREAM_BYTES)
		(void)fwrite(bytes, 1, len, stdout); /* output_flush() finds what went wrong. */
	if (rv == STREAM_QUIET)
		return err_set(err, CAPQ_EBUSY, "capqd says nothing more");
	return rv < 0 ? rv : 0;
}

static int export_to(struct client *client, const char *what, int64_t since_ms, const char *file,
	struct err *err)
{
	cleanup_str struct str path = { 0 };
	struct stream_request request = { .method = "GET" };
	cleanup_stream struct stream *stream = NULL;
	int64_t size;
	int rv;

	add_path(&path, what, since_ms);
	request.path = path.text;
	rv = api_open(client->api, &request, &stream, err);
	if (rv < 0)
		return rv;
	if (file == NULL)
		return print_stream(stream, err);
	rv = save_stream(stream, file, 0666, &size, err);
	if (rv == 0)
		save_print(&client->output, file, size);
	return rv;
}

static int check(
	const struct client *client, const char *file, const char *history, struct err *err)
{
	if (!option_given(&client->options, "trace"))
		return err_set(err, CAPQ_EINVAL, "what shall be exported? There is --trace");
	if (client->output.is_json && file == NULL)
		return err_set(err, CAPQ_EINVAL, "a trace is CSV; with --json, say where: -o FILE");
	if (history != NULL && file == NULL)
		return err_set(err, CAPQ_EINVAL, "--history needs -o FILE for the trace");
	return 0;
}

static int run(struct client *client, struct err *err)
{
	const char *file = option_text(&client->options, "output");
	const char *history = option_text(&client->options, "history");
	int64_t last_ms, since_ms = 0;
	int rv = check(client, file, history, err);

	if (rv == 0)
		rv = option_duration(&client->options, "since", 0, &last_ms, err);
	if (rv == 0 && last_ms > 0)
		since_ms = wall_ms() - last_ms;
	if (rv == 0 && history != NULL)
		rv = export_to(client, "history", since_ms, history, err);
	if (rv == 0)
		rv = export_to(client, "trace", since_ms, file, err);
	return rv;
}

const struct command cmd_export = {
	.name = "export",
	.arguments = "--trace",
	.summary = "Export what was built, to play it again in capq-sim",
	.details = "A trace is CSV: one build a line, with the seconds at which it was first\n"
		   "asked for and that it took, the package, the capability set, whose job it\n"
		   "was, and the builds that it needed. What was never built is left out, and\n"
		   "so are downloads. Several jobs share a build: it arrives with the first,\n"
		   "and belongs to that of the highest priority, of these the first. With\n"
		   "--since, time 0 is then, and --history has what was built before it;\n"
		   "without, time 0 is when the first build was asked for, and nothing was.\n",
	.examples = "capq export --trace -o trace.csv\n"
		    "capq export --trace --since 30d --history history.csv -o trace.csv\n"
		    "capq-sim --trace trace.csv --history history.csv --slots 4\n",
	.options = options,
	.run = run,
};
