#include <inttypes.h>

#include "client/client.h"
#include "client/member.h"
#include "client/now.h"
#include "client/record.h"
#include "client/select.h"
#include "lib/job_json.h"
#include "lib/time_text.h"

/* "  build:12  torch-2.5.1  blocked  (reason)" */
static int print_build(const struct output *output, const struct json *json, struct err *err)
{
	struct build build;
	int rv = build_from_answer(json, &build, err);

	if (rv < 0)
		return rv;
	output_printf("  build:%" PRId64 "  %s  ", build.id, build.name);
	output_coloured(
		output, build_state_colour(build.state), "%s", build_state_name(build.state));
	if (build.builder != NULL && build.state == BUILD_BUILDING)
		output_printf(" on %s", build.builder);
	if (build.reason != NULL)
		output_printf("  (%s)", build.reason);
	output_printf("\n");
	build_finish(&build);
	return 0;
}

/* "  started by score 2.31 (next: build:12 with 1.9), expected to take 1h10m" */
static void print_start(const struct json *start)
{
	double seconds = member_double(start, "estimate_seconds");
	int64_t runner_up = member_int(start, "runner_up", 0);
	char cost[TIME_TEXT_MAX];

	if (start == NULL)
		return;
	output_printf("  started by %s, with a score of %.3g", member_text(start, "rule", "?"),
		member_double(start, "score"));
	if (runner_up != 0)
		output_printf(" (the next was build:%" PRId64 " with %.3g)", runner_up,
			member_double(start, "runner_up_score"));
	duration_to_text((int64_t)(seconds * 1000), cost);
	output_printf("; expected to take %s\n", cost);
}

static int print_why(const struct output *output, const struct json *why, struct err *err)
{
	int64_t ahead = member_int(why, "ahead", 0);
	cleanup_str struct str expected = { 0 };
	struct eta eta;
	int rv = 0;

	output_printf("%s: %s\n", member_text(why, "state", "?"), member_text(why, "text", "?"));
	for (const struct json *v = json_first(json_get(why, "builds")); v != NULL && rv == 0;
		v = json_next(v))
		rv = print_build(output, v, err);
	eta_from_json(json_get(why, "eta"), &eta);
	eta_add(&expected, &eta, wall_ms());
	if (expected.len > 0)
		output_printf("  %s\n", str_text(&expected));
	print_start(json_get(why, "start"));
	if (ahead > 0)
		output_printf("  %" PRId64 " ready builds start before it\n", ahead);
	return rv;
}

static int run(struct client *client, struct err *err)
{
	cleanup_json struct json *why = NULL;
	cleanup_str struct str path = { 0 };
	int rv = select_path(client->api, client->options.operands[0], &path, err);

	if (rv == 0)
		rv = api_get(client->api, &why, err, "%s/why", path.text);
	if (rv < 0)
		return rv;
	if (!client->output.is_json)
		return print_why(&client->output, why, err);
	output_json(why);
	return 0;
}

const struct command cmd_why = {
	.name = "why",
	.arguments = "JOB|build:ID",
	.summary = "Say why a job or build is in the state that it is in",
	.details = "For a job that waits, the builds from its own down to the one that it\n"
		   "waits for at the moment.\n",
	.examples = "capq why 17\n"
		    "capq why build:12\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
