#include <inttypes.h>

#include "client/follow.h"
#include "client/member.h"
#include "client/record.h"
#include "client/submit.h"
#include "lib/mem.h"

static const struct option_spec options[] = {
	{ "caps", '\0', "SET", "8.6, 8.0,8.6+PTX, default, each, each:8.0,8.6; may be repeated" },
	{ "rev", '\0', "REV", "a nixpkgs branch, tag or commit; else the first configured branch" },
	{ "flavour", '\0', "NAME", "a configured way to import nixpkgs; else default" },
	{ "system", '\0', "SYSTEM", "such as x86_64-linux; else the first configured" },
	{ "priority", '\0', "N", "-1000 to 1000, higher is earlier; else 0" },
	{ "unsupported", '\0', "WHAT",
		"when a package does not support a capability: fail (else), skip, closest" },
	{ "leftover", '\0', NULL, "build it when there is nothing else to build" },
	{ "from", '\0', "FILE", "read the jobs from a file, or from standard input with -" },
	{ "dry-run", 'n', NULL, "evaluate and plan only, and say what would be built" },
	{ "parsable", '\0', NULL, "print the ids only, one a line" },
	{ "wait", 'w', NULL, "wait for the end of all jobs" },
	{ "timeout", '\0', "TIME", "with --wait: wait no longer than this" },
	{ "patience", '\0', "TIME",
		"with --wait: wait that long for a capqd that went away; else 2m" },
	{ "idempotency-key", '\0', "KEY", "the same key within a day submits nothing twice" },
	{ "no-header", '\0', NULL, "with --dry-run: print no names of columns" },
	{ .name = NULL },
};

/* "job 17  python3Packages.torch @ 8.6 # 1a2b3c4 (already there, done)" */
static int print_job(struct client *client, const struct json *answered, struct err *err)
{
	cleanup_json struct json *json = NULL;
	cleanup_str struct str label = { 0 };
	int64_t id = member_int(answered, "id", 0);
	struct record record;
	int rv = api_get(client->api, &json, err, "/jobs/%" PRId64, id);
	if (rv == 0)
		rv = record_from_json(json, 0, &record, err);
	if (rv < 0)
		return rv;
	job_add_label(&label, &record.job);
	record_finish(&record);
	output_printf("job %" PRId64 "  %s (", id, label.text);
	if (member_bool(answered, "existing"))
		output_printf("already there, %s)\n", member_text(answered, "state", "?"));
	else
		output_printf("new)\n");
	return 0;
}

static int print_answer(struct client *client, const struct json *answer, const int64_t *ids,
	size_t n, struct err *err)
{
	const struct json *job = json_first(json_get(answer, "jobs"));
	int rv = 0;

	if (option_given(&client->options, "parsable")) {
		for (size_t i = 0; i < n; i++)
			output_printf("%" PRId64 "\n", ids[i]);
		return output_flush(err);
	}
	if (client->output.is_json) {
		if (!option_given(&client->options, "wait"))
			output_json(answer);
		return 0;
	}
	for (; job != NULL && rv == 0; job = json_next(job))
		rv = print_job(client, job, err);
	return rv;
}

static int submit(struct client *client, struct job_source *source, struct err *err)
{
	const struct options *given = &client->options;
	cleanup_json struct json *answer = NULL;
	cleanup_free int64_t *ids = NULL;
	size_t n = 0;
	int rv = submit_send(client, source, false, &answer, err);

	if (rv == 0)
		rv = submit_ids(answer, &ids, &n, err);
	if (rv == 0)
		rv = print_answer(client, answer, ids, n, err);
	if (rv == 0 && option_given(given, "wait"))
		rv = follow_to_end(client, ids, n, option_given(given, "parsable"), err);
	return rv;
}

static int dry_run(struct client *client, struct job_source *source, struct err *err)
{
	cleanup_json struct json *answer = NULL;
	int rv = submit_send(client, source, true, &answer, err);

	if (rv < 0)
		return rv;
	for (const struct json *v = json_first(json_get(answer, "jobs")); v; v = json_next(v))
		if (member_text(v, "error", NULL) != NULL)
			client->exit_code = EXIT_FAILED;
	if (client->output.is_json)
		output_json(answer);
	else
		submit_print_dry_run(client, answer);
	return 0;
}

static int run(struct client *client, struct err *err)
{
	struct job_source source;
	int rv = job_source_open(&source, &client->options, err);

	if (rv == 0)
		rv = option_given(&client->options, "dry-run") ? dry_run(client, &source, err)
							       : submit(client, &source, err);
	job_source_close(&source);
	return rv;
}

const struct command cmd_submit = {
	.name = "submit",
	.arguments = "ATTR... --caps SET",
	.summary = "Submit jobs: packages, each for every capability set",
	.details = "Packages are attribute paths of nixpkgs. Every one is wanted for every\n"
		   "--caps given. A capability set is written as nixpkgs writes it: 8.6, not\n"
		   "sm_86; several in one set make a fat package; +PTX behind it stands for\n"
		   "cudaForwardCompat = true. `default` is what the revision builds when nobody\n"
		   "asks; `each` makes a thin job for each capability of that, `each:8.0,8.6` for\n"
		   "each of these.\n"
		   "\n"
		   "All or nothing is accepted. A job that exists already is not made twice:\n"
		   "its id is printed, and that it was there. Packages and sets are checked\n"
		   "before anything is sent; whether a package exists only Nix can say: see\n"
		   "--dry-run, or `capq wait`.\n"
		   "\n"
		   "With --from, jobs come as JSON objects, one a line or in an array, with\n"
		   "attr and caps, and if need be ptx, rev, flavour, system, priority,\n"
		   "unsupported and leftover; what an object leaves out is taken from the\n"
		   "options. The file may be of any size.\n"
		   "\n"
		   "With --wait and --json, only the finished jobs are printed, at the end.\n",
	.examples = "capq submit python3Packages.torch --caps 8.6 --caps 8.9 --rev master\n"
		    "capq submit magma faiss --caps 8.0,8.6,9.0+PTX --dry-run\n"
		    "capq wait $(capq submit hello --caps 8.6 --parsable)\n"
		    "capq submit --from jobs.jsonl --rev nixos-unstable --wait\n",
	.options = options,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
