#include "client/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/member.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/time_text.h"

static char *text_of(const struct json *json, const char *name)
{
	return xstrdup_or_null(member_text(json, name, NULL));
}

void progress_from_json(const struct json *json, struct progress *out)
{
	double seconds = 0;

	*out = (struct progress){ .pushed_bytes = -1 };
	if (json_kind(json) != JSON_OBJECT)
		return;
	out->build_id = member_int(json, "build", 0);
	out->name = text_of(json, "name");
	out->phase = text_of(json, "phase");
	out->derivation = text_of(json, "derivation");
	out->last_line = text_of(json, "last_line");
	out->done = member_int(json, "done", 0);
	out->expected = member_int(json, "expected", 0);
	out->pushed_bytes = member_int(json, "pushed_bytes", -1);
	if (json_double(json_get(json, "seconds"), &seconds) && seconds > 0 && seconds < 1e9)
		out->ms = (int64_t)(seconds * 1000);
}

void progress_finish(struct progress *progress)
{
	free(progress->name);
	free(progress->phase);
	free(progress->derivation);
	free(progress->last_line);
	*progress = (struct progress){ 0 };
}

/* Not the fault of whoever typed the command: no CAPQ_EINVAL. */
static int misunderstood(const char *what, struct err *err)
{
	return err_set(err, CAPQ_EFAILED,
		"the answer is no %s as this capq knows it; are capq and capqd of one version?",
		what);
}

int build_from_answer(const struct json *json, struct build *out, struct err *err)
{
	return build_from_json(json, out, NULL) < 0 ? misunderstood("build", err) : 0;
}

int record_from_json(const struct json *json, int64_t now_ms, struct record *out, struct err *err)
{
	struct record record = { .seen_at_ms = now_ms };
	struct str text = { 0 };

	if (job_from_json(json, &record.job, NULL) < 0)
		return misunderstood("job", err);
	if (record.job.id < 1) {
		job_finish(&record.job);
		return misunderstood("job", err);
	}
	record.waits_for = text_of(json, "waits_for");
	progress_from_json(json_get(json, "progress"), &record.progress);
	eta_from_json(json_get(json, "eta"), &record.eta);
	json_print(json, &text);
	record.json = str_take(&text);
	*out = record;
	return 0;
}

void record_finish(struct record *record)
{
	job_finish(&record->job);
	progress_finish(&record->progress);
	free(record->waits_for);
	free(record->json);
	*record = (struct record){ 0 };
}

void rev_add_short(struct str *out, const char *rev)
{
	const char *digits = strchr(rev, ':') == NULL ? rev : strchr(rev, ':') + 1;

	str_addf(out, "%.*s%.7s", (int)(digits - rev), rev, digits);
}

void job_add_label(struct str *out, const struct job *job)
{
	str_addf(out, "%s @ %s", job->attr, job->caps);
	if (job->rev != NULL) {
		str_add(out, " # ");
		rev_add_short(out, job->rev);
	}
	if (job->flavour != NULL && strcmp(job->flavour, "default") != 0)
		str_addf(out, " (%s)", job->flavour);
}

const char *record_phase(const struct record *record)
{
	if (record->progress.build_id == 0)
		return NULL;
	return record->progress.phase == NULL ? "running" : record->progress.phase;
}

int64_t record_elapsed_ms(const struct record *record, int64_t now_ms)
{
	const struct job *job = &record->job;

	if (job_state_is_final(job->state))
		return job->finished_at > 0 ? job->finished_at - job->submitted_at : 0;
	if (record->progress.build_id != 0)
		return record->progress.ms + now_ms - record->seen_at_ms;
	return now_ms - job->submitted_at;
}

/* "[3/20] the last line of the log" */
static void add_progress_detail(struct str *out, const struct progress *p)
{
	char pushed[TIME_TEXT_MAX];

	if (p->expected > 1)
		str_addf(out, "[%" PRId64 "/%" PRId64 "] ", p->done, p->expected);
	if (p->pushed_bytes >= 0) {
		size_to_text(p->pushed_bytes, pushed);
		str_addf(out, "%s pushed", pushed);
	} else if (p->last_line != NULL) {
		str_add(out, p->last_line);
	}
}

/* The build is named when it is not the job's own. */
static void add_progress_note(struct str *out, const struct record *record)
{
	cleanup_str struct str detail = { 0 };
	const struct progress *p = &record->progress;

	add_progress_detail(&detail, p);
	if (p->build_id != record->job.build_id && p->name != NULL)
		str_addf(out, "%s%s", p->name, detail.len > 0 ? ": " : "");
	str_add(out, str_text(&detail));
}

static void add_time(struct str *out, const char *before, int64_t ms, int64_t now_ms)
{
	char text[TIME_TEXT_MAX];

	time_to_clock(ms, now_ms, text);
	str_addf(out, "%s%s", before, text);
}

void eta_add(struct str *out, const struct eta *eta, int64_t now_ms)
{
	if (eta->done_p50 == 0)
		return;
	if (eta->start_p50 > now_ms)
		add_time(out, "starts about ", eta->start_p50, now_ms);
	add_time(out, eta->start_p50 > now_ms ? ", done about " : "done about ", eta->done_p50,
		now_ms);
	if (eta->done_p90 != 0) {
		add_time(out, " (p90 ", eta->done_p90, now_ms);
		str_add(out, ")");
	}
}

/* "; done about 16:05 (p90 18:30)" */
static void add_eta_note(struct str *out, const struct record *record)
{
	cleanup_str struct str text = { 0 };

	eta_add(&text, &record->eta, record->seen_at_ms);
	if (text.len > 0)
		str_addf(out, "%s%s", out->len > 0 ? "; " : "", str_text(&text));
}

static void add_state_note(struct str *out, const struct record *record)
{
	size_t before = out->len;

	if (!job_state_is_final(record->job.state) && record->progress.build_id != 0)
		add_progress_note(out, record);
	if (out->len > before)
		return;
	if (record->waits_for != NULL) {
		str_add(out, record->waits_for);
		add_eta_note(out, record);
	} else if (record->job.reason != NULL) {
		str_add(out, record->job.reason);
	}
}

void record_add_note(struct str *out, const struct record *record)
{
	cleanup_str struct str note = { 0 };

	add_state_note(&note, record);
	if (record->job.built_caps != NULL)
		str_addf(out, "built for %s%s", record->job.built_caps, note.len > 0 ? "; " : "");
	else if (record->job.same_as != NULL)
		str_addf(out, "same as %s%s", record->job.same_as, note.len > 0 ? "; " : "");
	str_add(out, str_text(&note));
}
