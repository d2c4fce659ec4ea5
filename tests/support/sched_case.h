/* A schedule to try things on: builds named by small numbers, and decisions as a line of text. */
#ifndef CAPQ_TESTS_SUPPORT_SCHED_CASE_H
#define CAPQ_TESTS_SUPPORT_SCHED_CASE_H

#include "lib/str.h"
#include "sched/schedule.h"

#define LINUX 0 /* The system x86_64-linux. */

/* A schedule with one builder, "local", for x86_64-linux. */
struct sched *sched_case_begin(uint32_t build_slots, uint32_t fetch_slots);

/* Add a build that needs those up to the 0 (NULL: none), wanted by a job as old as its id says. */
#define NEEDS(...) ((const int64_t[]){ __VA_ARGS__, 0 })
void sched_case_add(struct sched *s, int64_t id, const int64_t *needs);
void sched_case_add_ready(struct sched *s, int64_t id);

/* Start whatever may start, and hold what that was against "1 2+3": build 1, and then 2 and 3 in
 * one slot; "1@big" where there are several builders. */
char *sched_case_start_all(struct sched *s, int64_t now_ms);
void sched_case_assert_starts(struct sched *s, int64_t now_ms, const char *wanted);

/* For callbacks: append the id to a struct str; make the build of a struct sched ready. */
void sched_case_note(void *str, int64_t id);
void sched_case_set_ready(void *sched, int64_t id);

#endif
