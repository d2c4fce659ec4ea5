#include <inttypes.h>
#include <string.h>

#include "client/client.h"
#include "client/member.h"
#include "client/now.h"
#include "client/record.h"
#include "client/selected.h"
#include "lib/mem.h"
#include "lib/time_text.h"

static void print_time(const struct output *output, const char *name, int64_t ms, int64_t now_ms)
{
	char when[TIME_TEXT_MAX], ago[TIME_TEXT_MAX];

	if (ms == 0)
		return;
	time_to_rfc3339(ms, when);
	duration_to_text(now_ms - ms, ago);
	output_field(output, name, "%s (%s ago)", when, ago);
}

static void print_text(const struct output *output, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		output_field(output, name, "%s", text);
}

static void print_head(const struct output *output, const struct job *job)
{
	cleanup_str struct str label = { 0 };

	job_add_label(&label, job);
	output_coloured(output, BOLD, "job %" PRId64 "  %s", job->id, label.text);
	output_printf("  ");
	output_coloured(output, job_state_colour(job->state), "%s", job_state_name(job->state));
	output_printf("\n");
}

static void print_eta(const struct output *output, const struct record *record)
{
	cleanup_str struct str text = { 0 };

	eta_add(&text, &record->eta, record->seen_at_ms);
	if (text.len > 0)
		output_field(output, "expected", "%s", str_text(&text));
}

static void print_why(const struct output *output, const struct record *record)
{
	const struct job *job = &record->job;
	cleanup_str struct str note = { 0 };
	const char *phase = record_phase(record);

	print_text(output, "reason", job->reason);
	print_text(output, "failure", failure_name(job->failure));
	print_text(output, "waits for", record->waits_for);
	print_eta(output, record);
	if (phase == NULL)
		return;
	record_add_note(&note, record);
	output_field(output, "running", "%s (build:%" PRId64 ") %s", phase,
		record->progress.build_id, str_text(&note));
}

static void print_what(const struct output *output, const struct job *job)
{
	output_field(output, "revision", "%s (%s%s)", job->rev == NULL ? "?" : job->rev,
		job->rev_from == NULL ? "?" : job->rev_from, job->trusted ? "" : ", not trusted");
	print_text(output, "asked as", job->caps_from);
	print_text(output, "built for", job->built_caps);
	print_text(output, "flavour", job->flavour);
	print_text(output, "system", job->system);
	if (job->priority != 0)
		output_field(output, "priority", "%d", job->priority);
	if (job->is_leftover)
		output_field(output, "class", "leftover: when there is nothing else to build");
	print_text(output, "submitted by", job->submitter);
	print_text(output, "derivation", job->drv_path);
	print_text(output, "same as", job->same_as);
	if (job->build_id != 0)
		output_field(output, "build", "build:%" PRId64 ", attempts %d", job->build_id,
			job->attempts);
}

/* One output a line, the name only before the first. */
static void print_outputs(const struct output *output, const char *json)
{
	cleanup_json struct json *outputs = NULL;
	const char *name = "outputs";

	if (json == NULL || json_parse(json, strlen(json), &outputs, NULL) < 0)
		return;
	for (const struct json *v = json_first(outputs); v != NULL; v = json_next(v)) {
		output_field(output, name, "%s  %s", json_name(v),
			json_text(v) == NULL ? "?" : json_text(v));
		name = "";
	}
}

/* "1h12m, 30h of core time, 2.1 GiB pushed" */
static void print_cost(const struct output *output, const struct job *job)
{
	cleanup_str struct str cost = { 0 };
	char text[TIME_TEXT_MAX];

	if (job->wall_ms >= 0) {
		duration_to_text(job->wall_ms, text);
		str_add(&cost, text);
	}
	if (job->core_ms >= 0) {
		duration_to_text(job->core_ms, text);
		str_addf(&cost, "%s%s of core time", cost.len > 0 ? ", " : "", text);
	}
	if (job->bytes_pushed >= 0) {
		size_to_text(job->bytes_pushed, text);
		str_addf(&cost, "%s%s pushed", cost.len > 0 ? ", " : "", text);
	}
	print_text(output, "cost", str_text(&cost));
}

static void add_names(struct str *out, const struct json *names)
{
	for (const struct json *v = json_first(names); v != NULL; v = json_next(v))
		str_addf(out, " %s", json_text(v) == NULL ? "?" : json_text(v));
}

/* "in all 12 units of 3 files: sm_80 compute_80", what is lacking in front of it. */
static void print_gpu_code(const struct output *output, const struct json *code)
{
	const char *verdict = member_text(code, "verdict", NULL);
	int64_t units = member_int(code, "units", 0), files = member_int(code, "files", 0);
	cleanup_str struct str text = { 0 };

	if (verdict == NULL)
		return;
	if (strcmp(verdict, "no-code") == 0) {
		output_field(output, "gpu code", "none");
		return;
	}
	if (strcmp(verdict, "unknown") == 0) {
		output_field(output, "gpu code", "not known: %s", member_text(code, "reason", "?"));
		return;
	}
	if (strcmp(verdict, "lacks") == 0)
		str_addf(&text, "%s; in all", member_text(code, "reason", "?"));
	else
		str_add(&text, "in all");
	str_addf(&text, " %" PRId64 " unit%s of %" PRId64 " file%s:", units, units == 1 ? "" : "s",
		files, files == 1 ? "" : "s");
	add_names(&text, json_get(code, "sass_in_all"));
	add_names(&text, json_get(code, "ptx_in_all"));
	output_field(output, "gpu code", "%s", text.text);
}

static void print_page(
	const struct output *output, const struct record *record, const struct json *json)
{
	const struct job *job = &record->job;
	int64_t now = wall_ms();

	print_head(output, job);
	print_why(output, record);
	print_what(output, job);
	print_outputs(output, job->outputs);
	print_gpu_code(output, json_get(json, "gpu_code"));
	print_time(output, "submitted", job->submitted_at, now);
	print_time(output, "started", job->started_at, now);
	print_time(output, "finished", job->finished_at, now);
	print_cost(output, job);
}

static int show(struct client *client, int64_t id, size_t i, const void *unused, struct err *err)
{
	cleanup_json struct json *json = NULL;
	struct record record;
	int rv = api_get(client->api, &json, err, "/jobs/%" PRId64, id);

	(void)unused;
	if (rv == 0)
		rv = record_from_json(json, wall_ms(), &record, err);
	if (rv < 0)
		return rv;
	if (i > 0 && !client->output.is_json)
		output_printf("\n");
	if (!selected_print_json(client, &record))
		print_page(&client->output, &record, json);
	record_finish(&record);
	return 0;
}

static int run(struct client *client, struct err *err)
{
	return selected_each(client, show, NULL, err);
}

const struct command cmd_show = {
	.name = "show",
	.arguments = "JOB...",
	.summary = "Show all about a job",
	.details = "A job is named by its id or by what it is: ATTR, ATTR@SET or ATTR@SET#REV.\n"
		   "Set and revision may be left out, and the revision abbreviated, while only\n"
		   "one job fits.\n",
	.examples = "capq show 17\n"
		    "capq show python3Packages.torch@8.6\n"
		    "capq show 'python3Packages.torch @ 8.6 # 1a2b' --json\n",
	.min_operands = 1,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
