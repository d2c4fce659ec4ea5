/* A log is printed line by line, each made harmless: builds print what they like.
 *
 * Following: `chunk` events bring the log, `build` events say whose it is, `end` ends. A chunk's id
 * is the offset behind it (where it has none, bytes are counted), so when a connection breaks, what
 * comes twice is known and left out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/event_source.h"
#include "client/member.h"
#include "client/select.h"
#include "lib/mem.h"

#define LINE_MAX_BYTES (64u << 10) /* A longer line is printed in pieces. */
#define FOLLOW_TICK_MS 60000

static const struct option_spec options[] = {
	{ "follow", 'f', NULL, "go on until the log is finished" },
	{ "tail", 't', "BYTES", "only the last so many bytes, such as 64KiB" },
	{ "attempt", '\0', "N", "the log of this attempt; else of the newest" },
	{ "patience", '\0', "TIME",
		"with --follow: wait that long for a capqd that went away; else 2m" },
	{ .name = NULL },
};

/* ---- printing ---- */

struct printer {
	bool is_json;
	struct str rest; /* Of a line that is not whole yet. */
};

/* With --json every piece is an object of the form of the events that follow=1 brings. */
static void print_piece(const struct printer *printer, const char *text, size_t len)
{
	struct json_out json = { 0 };
	cleanup_str struct str piece = { 0 };

	if (!printer->is_json) {
		str_add_bytes(&piece, text, len);
		output_printf("%s", piece.text);
		return;
	}
	json_out_object(&json, NULL);
	json_out_text(&json, "event", "chunk");
	json_out_bytes(&json, "data", text, len);
	json_out_end_object(&json);
	output_json_text(json.text.text);
	str_free(&json.text);
}

static void print_log(struct printer *printer, const char *text, size_t len)
{
	struct str *rest = &printer->rest;
	const char *newline;
	size_t whole;

	str_add_bytes(rest, text, len);
	newline = rest->len == 0 ? NULL : memrchr(rest->text, '\n', rest->len);
	whole = newline != NULL ? (size_t)(newline + 1 - rest->text) : 0;
	if (whole == 0 && rest->len > LINE_MAX_BYTES)
		whole = rest->len;
	if (whole == 0)
		return;
	print_piece(printer, rest->text, whole);
	rest->len -= whole;
	memmove(rest->text, rest->text + whole, rest->len + 1);
}

static int finish_log(struct printer *printer, struct err *err)
{
	if (printer->rest.len > 0)
		print_piece(printer, printer->rest.text, printer->rest.len);
	str_free(&printer->rest);
	return output_flush(err);
}

/* ---- the log as it is ---- */

static int print_once(struct client *client, const char *path, struct err *err)
{
	struct stream_request request = { .method = "GET", .path = path };
	struct printer printer = { .is_json = client->output.is_json };
	cleanup_stream struct stream *stream = NULL;
	const char *bytes;
	size_t len;
	int rv = api_open(client->api, &request, &stream, err);

	if (rv < 0)
		return rv;
	do {
		rv = stream_read(stream, STREAM_SILENCE_MS, &bytes, &len, err);
		if (rv == STREAM_BYTES)
			print_log(&printer, bytes, len);
	} while (rv == STREAM_BYTES || rv == STREAM_QUIET);
	if (rv < 0) {
		(void)finish_log(&printer, NULL);
		return rv;
	}
	return finish_log(&printer, err);
}

/* ---- following ---- */

/* The log of one attempt. */
struct part {
	int64_t build, attempt; /* 0: not said. */
	int64_t printed;        /* Up to which offset. */
};

struct follower {
	struct event_source events;
	struct printer printer;
	struct part *parts; /* Those seen so far: a new connection may begin with an earlier one. */
	size_t n_parts, capacity, current;
	int64_t position; /* Behind the newest chunk of this connection. */
};

/* Go on with the log of another attempt. True: it was not seen before. */
static bool select_part(struct follower *follower, int64_t build, int64_t attempt)
{
	size_t i = 0;

	while (i < follower->n_parts &&
		(follower->parts[i].build != build || follower->parts[i].attempt != attempt))
		i++;
	follower->current = i;
	follower->position = 0;
	if (i < follower->n_parts)
		return false;
	array_reserve(&follower->parts, &follower->capacity, i + 1, sizeof *follower->parts);
	follower->parts[follower->n_parts++] = (struct part){ .build = build, .attempt = attempt };
	return true;
}

static void note_chunk(
	struct follower *follower, const struct sse_event *event, const struct json *data)
{
	struct part *part = &follower->parts[follower->current];
	const char *text = json_text(data);
	int64_t len, fresh;

	if (text == NULL)
		return;
	len = (int64_t)strlen(text);
	if (!str_to_int(event->id, 0, INT64_MAX, &follower->position))
		follower->position += len;
	fresh = follower->position - part->printed;
	if (fresh <= 0)
		return;
	if (fresh < len)
		text += len - fresh;
	print_log(&follower->printer, text, strlen(text));
	part->printed = follower->position;
}

static void note_build(struct follower *follower, const struct json *data)
{
	int64_t build = member_int(data, "build", 0), attempt = member_int(data, "attempt", 0);

	if (!select_part(follower, build, attempt) || follower->printer.is_json)
		return;
	output_note("capq: build:%" PRId64 "  %s", build, member_text(data, "name", "?"));
	if (attempt > 1)
		output_note(", attempt %" PRId64, attempt);
	output_note("\n");
}

/* 1: it is finished. */
static int note_event(struct follower *follower, const struct sse_event *event)
{
	cleanup_json struct json *data = NULL;

	if (json_parse(event->data, event->data_len, &data, NULL) < 0)
		return 0;
	if (strcmp(event->name, "chunk") == 0)
		note_chunk(follower, event, data);
	else if (strcmp(event->name, "build") == 0)
		note_build(follower, data);
	return strcmp(event->name, "end") == 0;
}

/* `path_again` is for when the connection breaks: then all is wanted, not the tail only. */
static int take_events(struct follower *follower, const char *path_again, struct err *err)
{
	struct sse_event event;
	int rv;

	for (;;) {
		rv = event_source_next(&follower->events, FOLLOW_TICK_MS, &event, err);
		if (rv < 0)
			return rv;
		if (rv == SOURCE_CONNECTED) {
			follower->events.path = path_again;
			follower->position = 0;
		}
		if (rv == SOURCE_LOST && !follower->printer.is_json)
			output_note("capq: %s; trying again\n", follower->events.why.text);
		if (rv != SOURCE_EVENT)
			continue;
		event_source_confirm(&follower->events);
		if (note_event(follower, &event) == 1)
			return 0;
		rv = output_flush(err);
		if (rv < 0)
			return rv;
	}
}

static int print_following(struct client *client, const char *path, const char *path_again,
	bool is_build, struct err *err)
{
	struct follower follower = { .printer.is_json = client->output.is_json };
	int64_t patience_ms;
	int flushed, rv = option_duration(&client->options, "patience", EVENT_SOURCE_PATIENCE_MS,
			     &patience_ms, err);

	if (rv < 0)
		return rv;
	/* Last-Event-ID resumes a build's log only; a job may have gone on to another. */
	event_source_init(&follower.events, client->api, path, is_build, patience_ms);
	(void)select_part(&follower, 0, 0); /* Until it is said whose log it is. */
	rv = take_events(&follower, path_again, err);
	flushed = finish_log(&follower.printer, rv < 0 ? NULL : err);
	event_source_finish(&follower.events);
	free(follower.parts);
	return rv < 0 ? rv : flushed;
}

/* ---- which log ---- */

/* Attempts are of a build: for a job, of the build of its own derivation. */
static int to_build(struct client *client, struct str *path, struct err *err)
{
	cleanup_json struct json *job = NULL;
	int64_t build;
	int rv;

	if (str_starts(path->text, "/builds/"))
		return 0;
	rv = api_get(client->api, &job, err, "%s", path->text);
	if (rv < 0)
		return rv;
	build = member_int(job, "build", 0);
	if (build == 0)
		return err_set(err, CAPQ_ENOTFOUND, "the job has no build yet, so no attempts");
	str_clear(path);
	str_addf(path, "/builds/%" PRId64, build);
	return 0;
}

static int run(struct client *client, struct err *err)
{
	const struct options *given = &client->options;
	bool follows = option_given(given, "follow");
	cleanup_str struct str path = { 0 };
	cleanup_free char *path_again = NULL;
	int64_t tail, attempt;
	int rv = option_size(given, "tail", -1, &tail, err);

	if (rv == 0)
		rv = option_int(given, "attempt", 1, INT32_MAX, 0, &attempt, err);
	if (rv == 0)
		rv = select_path(client->api, given->operands[0], &path, err);
	if (rv == 0 && attempt > 0)
		rv = to_build(client, &path, err);
	if (rv < 0)
		return rv;
	str_addf(&path, "/log?follow=%d", follows);
	if (attempt > 0)
		str_addf(&path, "&attempt=%" PRId64, attempt);
	path_again = xstrdup(path.text);
	if (tail >= 0)
		str_addf(&path, "&tail=%" PRId64, tail);
	if (!follows)
		return print_once(client, path.text, err);
	return print_following(
		client, path.text, path_again, str_starts(path.text, "/builds/"), err);
}

const struct command cmd_log = {
	.name = "log",
	.arguments = "JOB|build:ID",
	.summary = "Print the log of a job or a build",
	.details = "Of a job: the log of the build that runs for it, or failed, or else of its\n"
		   "own. With --follow, the logs of all builds that it still needs, one after\n"
		   "the other; whose log begins is said on standard error.\n"
		   "\n"
		   "Escape sequences and control characters are left out. With --json, one\n"
		   "object a piece: {\"event\": \"chunk\", \"data\": TEXT}.\n",
	.examples = "capq log 17 --follow\n"
		    "capq log python3Packages.torch@8.6 --tail 64KiB\n"
		    "capq log build:12 --attempt 1\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
