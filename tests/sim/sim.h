/* A capqd in a simulated world, and the transcript of what it does: its own log, with simulated
 * seconds in the left margin, what was started, and what people asked. */
#ifndef CAPQ_TESTS_SIM_SIM_H
#define CAPQ_TESTS_SIM_SIM_H

#include "daemon/pipeline/command.h"
#include "tests/sim/world.h"

/* Begin: capqd with `configuration` (YAML beside what every simulation has) in a world of
 * `packages`.
 */
void sim_begin(const char *configuration, const struct world_package *packages);

/* The daemon dies without a word, and is started again. */
void sim_restart(void);

/* End, and hold the transcript against expected/`name`.txt; NULL: against nothing. */
void sim_end(const char *name);

/* Submit an attribute for "8.6"; its jobs have the ids 1, 2, ... in the order of submitting. */
void sim_submit(const char *attr);
void sim_submit_for(const char *attr, const char *caps); /* For another set. */
void sim_submit_urgently(const char *attr, int priority);
void sim_ask(enum command_kind kind, int64_t job);
void sim_drain(bool drain);
enum job_state sim_job_state(int64_t job);
void sim_know_cost(const char *package, int64_t ms); /* As if it had been built before. */

/* The `n`th commit from now on fails, as if the disk were full; once. */
void sim_fail_commit(int n);

void sim_run(int64_t ms);  /* Let time pass. */
void sim_run_to_end(void); /* Until every job is final; at most two days. */

/* A line of the transcript. */
void sim_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern bool sim_updates; /* sim_end() writes what is expected. */

#endif
