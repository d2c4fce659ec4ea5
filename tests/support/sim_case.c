#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/sim_case.h"

#define HEADER "id,submit_s,work_s,package,caps,rev,branch,submitter,depends\n"
#define PAST_HEADER "package,caps,work_s,age_s\n"

void sim_case_trace(struct trace *trace, const char *rows, const char *history)
{
	cleanup_free char *text = str_format(HEADER "%s", rows);
	cleanup_free char *past = str_format(PAST_HEADER "%s", history == NULL ? "" : history);
	struct err err = { 0 };

	if (trace_parse(trace, text, strlen(text), past, strlen(past), &err) < 0)
		fail_msg("%s", err.text);
}

void sim_case_fixture(struct trace *trace, const char *name)
{
	const char *source = getenv("CAPQ_SOURCE");
	cleanup_free char *base =
		str_format("%s/tests/fixtures/traces/%s", source == NULL ? "." : source, name);
	cleanup_free char *path = str_format("%s.csv", base);
	cleanup_free char *past = str_format("%s.history.csv", base);
	struct err err = { 0 };

	if (trace_read(trace, path, past, &err) < 0)
		fail_msg("%s", err.text);
}

void sim_case_play(const struct trace *trace, const struct farm *farm, const char *policy,
	struct sim_result *out)
{
	struct sim_setup setup = { .trace = trace, .farm = farm };
	struct err err = { 0 };
	struct knobs knobs;

	assert_int_equal(knobs_init(&knobs, NULL, &err), 0);
	assert_int_equal(policy_find(policy, &setup.policy, &err), 0);
	setup.knobs = &knobs;
	if (sim_run(&setup, out, &err) < 0)
		fail_msg("%s", err.text);
	knobs_finish(&knobs);
}

char *sim_case_story(const struct trace *trace, const struct sim_result *result)
{
	struct str out = { 0 };

	for (size_t i = 0; i < result->n_ran; i++) {
		const struct sim_build_result *build = &result->builds[result->order[i]];

		str_addf(&out, "%s%s@%" PRId64 "-%" PRId64 "/%u", i > 0 ? " " : "",
			trace->rows[result->order[i]].id, build->start_ms / 1000,
			build->end_ms / 1000, build->slot);
	}
	return str_take(&out);
}

char *sim_case_run(const char *rows, uint32_t slots, const char *policy)
{
	struct sim_result result;
	struct trace trace;
	struct farm farm;
	char *story;

	sim_case_trace(&trace, rows, NULL);
	farm_init(&farm, slots);
	sim_case_play(&trace, &farm, policy, &result);
	story = sim_case_story(&trace, &result);
	sim_result_finish(&result);
	farm_finish(&farm);
	trace_finish(&trace);
	return story;
}
