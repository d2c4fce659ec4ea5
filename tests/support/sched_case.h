/* A schedule to try things on: builds named by small numbers, and decisions as a line of text. */
#ifndef CAPQ_TESTS_SUPPORT_SCHED_CASE_H
#define CAPQ_TESTS_SUPPORT_SCHED_CASE_H

#include "lib/str.h"
#include "sched/schedule.h"

#define LINUX 0 /* The system x86_64-linux. */

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* A promise that is never due. */
#define SOME_DAY (INT64_MAX / 4)

/* A schedule with one builder, "local", for x86_64-linux. */
struct sched *sched_case_begin(uint32_t build_slots, uint32_t fetch_slots);

/* A build of x86_64-linux of which little is uncertain; one job's want of weight 1, without a
 * promise that is due. Both to be changed at will. */
struct sched_build sched_case_build(int64_t id, double cost_ms);
struct sched_want sched_case_want(int64_t since_ms);

/* Add a build that needs those up to the 0 (NULL: none); ready when it needs none. */
#define NEEDS(...) ((const int64_t[]){ __VA_ARGS__, 0 })
void sched_case_put(struct sched *s, const struct sched_build *build, const struct sched_want *want,
	const int64_t *needs);

/* The same of ten minutes, wanted since the time that is its id, and not ready yet; and ready. */
void sched_case_add(struct sched *s, int64_t id, const int64_t *needs);
void sched_case_add_ready(struct sched *s, int64_t id);

/* Start whatever may start, and hold what that was against "1 2+3": build 1, and then 2 and 3 in
 * one slot; "1@big" where there are several builders. */
char *sched_case_start_all(struct sched *s, int64_t now_ms);
void sched_case_assert_starts(struct sched *s, int64_t now_ms, const char *wanted);

/* Start one build by a decision of one's own: what ran before the test begins. */
void sched_case_start(struct sched *s, int64_t id, enum sched_rule rule, int64_t now_ms);

/* It is built, and what opens is ready. */
void sched_case_built(struct sched *s, int64_t id, int64_t now_ms);

/* For callbacks: append the id to a struct str; make the build of a struct sched ready. */
void sched_case_note(void *str, int64_t id);
void sched_case_set_ready(void *sched, int64_t id);

#endif
