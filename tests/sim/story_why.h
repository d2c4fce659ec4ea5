/* Why a build waits, as a line of a story: one sentence a rule. */
#ifndef CAPQ_TESTS_SIM_STORY_WHY_H
#define CAPQ_TESTS_SIM_STORY_WHY_H

#include "sched/schedule.h"

/* The build must be known. The caller frees. */
char *story_why(const struct sched *s, int64_t build, int64_t now_ms,
	const char *(*name_of)(const void *owner, int64_t build), const void *owner);

#endif
