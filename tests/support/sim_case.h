/* Small traces, played. */
#ifndef CAPQ_TESTS_SIM_CASE_H
#define CAPQ_TESTS_SIM_CASE_H

#include "sim/engine.h"

/* A trace of rows without the header, columns as in tools/score.py; the test fails when it cannot
 * be read. The caller ends with trace_finish(). */
void sim_case_trace(struct trace *trace, const char *rows, const char *history);

/* One of tests/fixtures/traces, with its history. */
void sim_case_fixture(struct trace *trace, const char *name);

/* Play it with capqd's defaults; the test fails when that fails. The caller ends with
 * sim_result_finish(). */
void sim_case_play(const struct trace *trace, const struct farm *farm, const char *policy,
	struct sim_result *out);

/* The builds that ran, in their order: "ID@START-END/SLOT ...", in seconds. The caller frees. */
char *sim_case_story(const struct trace *trace, const struct sim_result *result);

/* All of it in one: rows, slots, policy -> story. The caller frees. */
char *sim_case_run(const char *rows, uint32_t slots, const char *policy);

#endif
