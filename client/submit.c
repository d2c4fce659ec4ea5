#include "client/submit.h"

#include <inttypes.h>
#include <string.h>

#include "client/member.h"
#include "client/now.h"
#include "client/record.h"
#include "client/table.h"
#include "lib/job_json.h"
#include "lib/mem.h"

#define IDEMPOTENCY_KEY_MAX 200
#define EVALUATION_MS (60 * 60 * 1000) /* Silent until all is evaluated. */
#define SUBMIT_MS (5 * 60 * 1000)      /* A hundred thousand rows are not written in an instant. */

/* ---- sending ---- */

struct body {
	struct job_source *source;
	struct json_out line; /* What is left of it begins at `at`. */
	size_t at;
};

static int next_line(struct body *body, struct err *err)
{
	struct job_spec spec;
	int rv = job_source_next(body->source, &spec, err);

	str_clear(&body->line.text);
	body->line.need_comma = false;
	body->at = 0;
	if (rv <= 0)
		return rv;
	job_spec_to_json(&spec, &body->line);
	str_add_char(&body->line.text, '\n');
	return 0;
}

/* Of struct stream_request. */
static int read_body(void *owner, char *buffer, size_t size, size_t *out_len, struct err *err)
{
	struct body *body = owner;
	size_t len;

	if (body->at == body->line.text.len) {
		int rv = next_line(body, err);

		if (rv < 0)
			return rv;
	}
	len = body->line.text.len - body->at;
	if (len > size)
		len = size;
	if (len > 0)
		memcpy(buffer, body->line.text.text + body->at, len);
	body->at += len;
	*out_len = len;
	return 0;
}

/* A header's value: visible ASCII only, so that it cannot be anything else. */
static int check_key(const char *key, struct err *err)
{
	for (const char *p = key; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return err_set(err, CAPQ_EINVAL,
				"--idempotency-key: visible ASCII characters only");
	if (key[0] == '\0' || strlen(key) > IDEMPOTENCY_KEY_MAX)
		return err_set(err, CAPQ_EINVAL, "--idempotency-key: expected 1 to %d bytes",
			IDEMPOTENCY_KEY_MAX);
	return 0;
}

/* The revision may have to be asked first which sets those are. */
static bool has_open_sets(const struct job_source *source)
{
	const char *caps;
	size_t at = 0;

	while ((caps = option_next(source->options, "caps", &at)) != NULL)
		if (strcmp(caps, "default") == 0 || str_starts(caps, "each"))
			return true;
	return source->is_file; /* Who knows. */
}

int submit_send(struct client *client, struct job_source *source, bool is_dry_run,
	struct json **out, struct err *err)
{
	const char *key = option_text(&client->options, "idempotency-key");
	cleanup_free char *header = str_format("Idempotency-Key: %s", key == NULL ? "" : key);
	struct body body = { .source = source };
	struct stream_request request = {
		.method = "POST",
		.path = is_dry_run ? "/jobs?dry_run=1" : "/jobs",
		.header = key == NULL ? NULL : header,
		.content_type = "application/x-ndjson",
		.read_body = read_body,
		.owner = &body,
		.silence_ms = is_dry_run || has_open_sets(source) ? EVALUATION_MS : SUBMIT_MS,
	};
	int rv = key == NULL ? 0 : check_key(key, err);

	if (rv == 0)
		rv = api_call(client->api, &request, out, err);
	str_free(&body.line.text);
	return rv;
}

/* ---- answers ---- */

int submit_ids(const struct json *answer, int64_t **out, size_t *out_n, struct err *err)
{
	const struct json *jobs = json_get(answer, "jobs");
	cleanup_free int64_t *ids = xcalloc(json_count(jobs), sizeof *ids);
	size_t n = 0;

	for (const struct json *v = json_first(jobs); v != NULL; v = json_next(v))
		if ((ids[n++] = member_int(v, "id", 0)) < 1)
			return err_set(err, CAPQ_EFAILED,
				"the answer names no ids; are capq and capqd of one version?");
	*out = STEAL_POINTER(ids);
	*out_n = n;
	return 0;
}

/* "8.0,8.6+PTX" */
static void add_caps(struct str *out, const struct json *job)
{
	const char *separator = "";

	for (const struct json *v = json_first(json_get(job, "caps")); v != NULL;
		v = json_next(v)) {
		str_addf(out, "%s%s", separator, json_text(v) == NULL ? "?" : json_text(v));
		separator = ",";
	}
	if (member_bool(job, "ptx"))
		str_add(out, "+PTX");
}

static void add_row(struct table *table, const struct json *job)
{
	cleanup_str struct str caps = { 0 }, derivation = { 0 };
	const char *same = member_text(job, "same_as", NULL);
	cleanup_free char *built = NULL;
	const char *error = member_text(job, "error", NULL);

	add_caps(&caps, job);
	built = caps_from_json(json_get(job, "built"));
	if (built != NULL)
		str_addf(&caps, ", built for %s", built);
	table_text(table, member_text(job, "attr", "?"));
	table_text(table, str_text(&caps));
	if (member_bool(job, "skipped"))
		error = "skipped: the package does not support it";
	if (same != NULL)
		str_addf(&derivation, "same as %s", same);
	table_text(
		table, same != NULL ? str_text(&derivation) : member_text(job, "drv_path", NULL));
	table_text(table, error != NULL ? NULL : member_bool(job, "cached") ? "yes" : "no");
	if (error == NULL)
		table_int(table, member_int(job, "builds", 0));
	else
		table_text(table, NULL);
	table_coloured(table, RED, error);
	table_end_row(table);
}

/* The latest of all jobs, and what they cost: "All is done about 16:05 (p90 18:30); 3.2
 * core-hours." */
static void print_expected(const struct json *answer)
{
	double core_hours = member_double(answer, "core_seconds") / 3600;
	cleanup_str struct str text = { 0 };
	struct eta all = { .start_p50 = INT64_MAX }, eta;

	for (const struct json *v = json_first(json_get(answer, "jobs")); v; v = json_next(v)) {
		eta_from_json(json_get(v, "eta"), &eta);
		if (eta.done_p50 == 0)
			continue;
		all.start_p50 = eta.start_p50 < all.start_p50 ? eta.start_p50 : all.start_p50;
		all.done_p50 = eta.done_p50 > all.done_p50 ? eta.done_p50 : all.done_p50;
		all.done_p90 = eta.done_p90 > all.done_p90 ? eta.done_p90 : all.done_p90;
	}
	eta_add(&text, &all, wall_ms());
	if (text.len > 0)
		output_printf("%s, %.2g core-hours\n", str_text(&text), core_hours);
}

/* "3 jobs, 2 distinct derivations, 14 to build" */
static void print_totals(const struct json *answer, int64_t n_errors)
{
	int64_t derivations = member_int(answer, "derivations", -1);
	int64_t fetches = member_int(answer, "fetches", 0);
	int64_t cached = member_int(answer, "cached", 0);

	output_printf("%zu jobs", json_count(json_get(answer, "jobs")));
	if (derivations >= 0)
		output_printf(", %" PRId64 " distinct derivations", derivations);
	output_printf(", %" PRId64 " to build", member_int(answer, "builds", 0));
	if (fetches > 0)
		output_printf(", %" PRId64 " paths to fetch", fetches);
	if (cached > 0)
		output_printf(", %" PRId64 " jobs with nothing to build", cached);
	if (n_errors > 0)
		output_printf(", %" PRId64 " with errors", n_errors);
	output_printf("\n");
	print_expected(answer);
}

void submit_print_dry_run(struct client *client, const struct json *answer)
{
	static const struct column columns[] = {
		{ .name = "ATTR", .may_be_cut = true },
		{ .name = "CAPS" },
		{ .name = "DERIVATION", .may_be_cut = true },
		{ .name = "CACHED" },
		{ .name = "BUILDS", .is_number = true },
		{ .name = "ERROR", .may_be_cut = true },
		{ .name = NULL },
	};
	struct table *table =
		table_create(&client->output, columns, option_given(&client->options, "no-header"));
	int64_t n_errors = 0;

	for (const struct json *v = json_first(json_get(answer, "jobs")); v; v = json_next(v)) {
		n_errors += member_text(v, "error", NULL) != NULL;
		add_row(table, v);
	}
	table_print(table);
	table_destroy(table);
	print_totals(answer, n_errors);
}
