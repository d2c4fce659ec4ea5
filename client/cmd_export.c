#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	{ "force", '\0', NULL, "replace files that are there" },
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

static int open_export(struct client *client, const char *what, int64_t since_ms,
	struct stream **out, struct err *err)
{
	cleanup_str struct str path = { 0 };
	struct stream_request request = { .method = "GET" };

	add_path(&path, what, since_ms);
	request.path = path.text;
	return api_open(client->api, &request, out, err);
}

static int print(struct client *client, int64_t since_ms, struct err *err)
{
	cleanup_stream struct stream *stream = NULL;
	int rv = open_export(client, "trace", since_ms, &stream, err);

	return rv < 0 ? rv : print_stream(stream, err);
}

/* ---- files ---- */

struct export_file {
	const char *what; /* As the API names it. */
	const char *path;
	int64_t size;
	bool is_written, is_kept;
};

static int write_file(
	struct client *client, struct export_file *file, int64_t since_ms, struct err *err)
{
	cleanup_stream struct stream *stream = NULL;
	int rv = open_export(client, file->what, since_ms, &stream, err);

	if (rv == 0)
		rv = save_write(stream, file->path, 0666, &file->size, err);
	file->is_written = rv == 0;
	return rv;
}

static void give_up(const struct export_file *file)
{
	if (file->is_kept)
		(void)unlink(file->path);
	else if (file->is_written)
		save_drop(file->path);
}

/* All of them, or none. */
static int save_files(struct client *client, struct export_file *files, size_t n, int64_t since_ms,
	struct err *err)
{
	bool replaces = option_given(&client->options, "force");
	int rv = 0;

	for (size_t i = 0; i < n && rv == 0; i++)
		rv = save_check(files[i].path, replaces, err);
	for (size_t i = 0; i < n && rv == 0; i++)
		rv = write_file(client, &files[i], since_ms, err);
	for (size_t i = 0; i < n && rv == 0; i++) {
		rv = save_keep(files[i].path, replaces, err);
		files[i].is_written = false;
		files[i].is_kept = rv == 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (rv < 0)
			give_up(&files[i]);
		else
			save_print(&client->output, files[i].path, files[i].size);
	}
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
	if (history != NULL && strcmp(history, file) == 0)
		return err_set(err, CAPQ_EINVAL, "the trace and the history cannot be one file");
	return 0;
}

static int run(struct client *client, struct err *err)
{
	const char *file = option_text(&client->options, "output");
	const char *history = option_text(&client->options, "history");
	struct export_file files[] = { { .what = "trace", .path = file },
		{ .what = "history", .path = history } };
	int64_t last_ms, since_ms = 0;
	int rv = check(client, file, history, err);

	if (rv == 0)
		rv = option_duration(&client->options, "since", 0, &last_ms, err);
	if (rv < 0)
		return rv;
	if (last_ms > 0)
		since_ms = wall_ms() - last_ms;
	if (file == NULL)
		return print(client, since_ms, err);
	return save_files(client, files, history == NULL ? 1 : 2, since_ms, err);
}

const struct command cmd_export = {
	.name = "export",
	.arguments = "--trace",
	.summary = "Export what was built, to play it again in capq-sim",
	.details = "A trace is CSV: one build a line, with the seconds at which it was first\n"
		   "asked for and that it takes on a builder of speed 100, the package, the\n"
		   "capability set, whose job it was, and the builds that it needed. What was\n"
		   "never built is left out, and so are downloads. Several jobs share a build:\n"
		   "it arrives with the first, and belongs to that of the highest priority, of\n"
		   "these the first. With --since, time 0 is then, and --history has what was\n"
		   "built before it; without, time 0 is when the first build was asked for, and\n"
		   "nothing was. Of two files both are written, or neither.\n",
	.examples = "capq export --trace -o trace.csv\n"
		    "capq export --trace --since 30d --history history.csv -o trace.csv\n"
		    "capq-sim --trace trace.csv --history history.csv --slots 4\n",
	.options = options,
	.run = run,
};
