#include "client/follow.h"

#include <string.h>

#include "client/event_source.h"
#include "client/member.h"
#include "client/now.h"
#include "lib/mem.h"
#include "lib/time_text.h"

#define TICK_MS 1000

struct follow {
	struct client *client;
	const struct follow_spec *spec;
	struct job_set *set;
	struct event_source events;
	struct report report;
	int64_t deadline_ms; /* All monotonic. */
	int64_t refresh_at_ms;
	int64_t tick_at_ms;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void refresh_within(struct follow *follow, int64_t ms)
{
	if (ms >= 0)
		follow->refresh_at_ms = least(follow->refresh_at_ms, monotonic_ms() + ms);
}

/* Ask for what changed, and say it. A capqd that goes away meanwhile is the event source's
 * business; one that never was there is an error. */
static int refresh(struct follow *follow, struct err *err)
{
	struct err local = { 0 };
	int rv = job_set_refresh(follow->set, follow->client->api, &local);

	follow->refresh_at_ms = INT64_MAX;
	if (rv == 0) {
		event_source_confirm(&follow->events);
	} else if (rv == CAPQ_EBUSY && follow->events.state != SOURCE_IS_NEW) {
		event_source_suspect(&follow->events, &local);
	} else {
		*err = local;
		return rv;
	}
	report_changes(&follow->report, follow->set);
	if (follow->set->is_everything)
		job_set_drop_final(follow->set);
	return 0;
}

/* What capqd says of itself, as far as it matters to whoever waits. */
static void note_daemon(struct follow *follow, const struct sse_event *event)
{
	static const struct {
		const char *what, *text;
	} notes[] = {
		{ "stopping", "capqd is stopping" },
		{ "draining", "capqd is draining: nothing new starts" },
		{ "resumed", "capqd has ended its drain" },
	};
	cleanup_json struct json *data = NULL;
	const char *what;

	if (json_parse(event->data, event->data_len, &data, NULL) < 0)
		return;
	what = member_text(data, "what", "");
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (strcmp(what, notes[i].what) == 0)
			report_note(&follow->report, "%s", notes[i].text);
}

/* Wait for the next event, at most until something else is due. */
static int take_event(struct follow *follow, struct err *err)
{
	int64_t until_ms = least(follow->refresh_at_ms, follow->tick_at_ms), wait_ms;
	char patience[TIME_TEXT_MAX];
	struct sse_event event;
	int rv;

	wait_ms = least(until_ms, follow->deadline_ms) - monotonic_ms();
	rv = event_source_next(&follow->events, wait_ms > 0 ? wait_ms : 0, &event, err);
	switch (rv) {
	case SOURCE_EVENT:
		if (strcmp(event.name, "daemon") == 0)
			note_daemon(follow, &event);
		refresh_within(follow, job_set_note(follow->set, &event));
		return 0;
	case SOURCE_CONNECTED:
		if (follow->events.away_since_ms != 0)
			report_note(&follow->report, "capqd is back");
		job_set_doubt(follow->set);
		refresh_within(follow, 0);
		return 0;
	case SOURCE_LOST:
		duration_to_text(follow->spec->patience_ms, patience);
		report_note(&follow->report, "%s; trying again for %s", follow->events.why.text,
			patience);
		return 0;
	default:
		return rv < 0 ? rv : 0;
	}
}

static bool is_over(const struct follow *follow)
{
	return !follow->spec->is_forever && !follow->set->wants_list &&
	       job_set_count_live(follow->set) == 0;
}

static int timed_out(const struct follow *follow, struct err *err)
{
	char timeout[TIME_TEXT_MAX];

	duration_to_text(follow->spec->timeout_ms, timeout);
	return err_set(err, CAPQ_ETIMEOUT,
		"timed out after %s: %zu of %zu jobs are not finished; they go on", timeout,
		job_set_count_live(follow->set), follow->set->n);
}

/* The first look comes before the events: jobs that are final need none. The second, once the
 * events flow, finds what happened in between. */
static int run(struct follow *follow, struct err *err)
{
	while (!is_over(follow)) {
		int64_t now = monotonic_ms();
		int rv = now >= follow->refresh_at_ms ? refresh(follow, err) : 0;

		if (rv < 0)
			return rv;
		if (is_over(follow))
			break;
		if (now >= follow->deadline_ms)
			return timed_out(follow, err);
		if (now >= follow->tick_at_ms) {
			report_changes(&follow->report, follow->set); /* Progress came unasked. */
			report_tick(&follow->report, follow->set);
			follow->tick_at_ms = now + TICK_MS;
		}
		rv = take_event(follow, err);
		if (rv < 0)
			return rv;
	}
	return 0;
}

int follow_jobs(
	struct client *client, const struct follow_spec *spec, struct job_set *set, struct err *err)
{
	int64_t now = monotonic_ms();
	struct follow follow = {
		.client = client,
		.spec = spec,
		.set = set,
		.deadline_ms = spec->timeout_ms >= 0 ? now + spec->timeout_ms : INT64_MAX,
		.refresh_at_ms = now,
		.tick_at_ms = now,
	};
	int rv;

	set->wants_list = set->is_everything;
	event_source_init(&follow.events, client->api, "/events", true, spec->patience_ms);
	report_init(&follow.report, &client->output, spec->style);
	rv = run(&follow, err);
	report_finish(&follow.report);
	event_source_finish(&follow.events);
	return rv;
}

/* ---- to the end ---- */

static void judge(struct client *client, const struct job_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->items[i].record.job.state != JOB_DONE &&
			!set->items[i].record.job.is_skipped) /* As was asked for. */
			client->exit_code = EXIT_FAILED;
}

static void print_all(struct client *client, const struct job_set *set)
{
	output_begin_array(&client->output);
	for (size_t i = 0; i < set->n; i++)
		if (set->items[i].is_known)
			output_item(&client->output, set->items[i].record.json);
	output_end_array(&client->output);
}

int follow_to_end(
	struct client *client, const int64_t *ids, size_t n, bool is_quiet, struct err *err)
{
	enum report_style style = report_style(&client->output, REPORT_NOTHING);
	struct follow_spec spec = { .style = is_quiet ? REPORT_NOTHING : style };
	struct job_set set = { 0 };
	int rv = option_duration(&client->options, "timeout", -1, &spec.timeout_ms, err);

	if (rv == 0)
		rv = option_duration(&client->options, "patience", EVENT_SOURCE_PATIENCE_MS,
			&spec.patience_ms, err);
	for (size_t i = 0; i < n; i++)
		job_set_add(&set, ids[i]);
	if (rv == 0)
		rv = follow_jobs(client, &spec, &set, err);
	if (rv == 0)
		judge(client, &set);
	if ((rv == 0 || rv == CAPQ_ETIMEOUT) && client->output.is_json)
		print_all(client, &set);
	job_set_finish(&set);
	return rv;
}
