/* Short forms for tests of estimates: times in minutes and days. */
#ifndef CAPQ_TESTS_ESTIMATE_CASE_H
#define CAPQ_TESTS_ESTIMATE_CASE_H

#include "sched/estimate.h"

#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)

/* A build of `package` for `set` on x86_64-linux that took so long; change what is different. */
static inline struct estimate_sample sample_of(
	const char *package, const char *set, double minutes, double day)
{
	return (struct estimate_sample){
		.key = { package, set, "x86_64-linux" },
		.at_ms = (int64_t)(day * (double)DAY),
		.wall_ms = (int64_t)(minutes * (double)MINUTE),
		.core_ms = -1,
		.peak_memory_bytes = -1,
		.output_bytes = -1,
	};
}

static inline void learn_built(
	struct estimates *e, const char *package, const char *set, double minutes, double day)
{
	struct estimate_sample sample = sample_of(package, set, minutes, day);

	estimates_learn(e, &sample);
}

static inline struct estimate get(
	const struct estimates *e, const char *package, const char *set, double day)
{
	struct estimate_key key = { package, set, "x86_64-linux" };
	struct estimate est;

	estimates_get(e, &key, NULL, (int64_t)(day * (double)DAY), &est);
	return est;
}

/* The median in minutes. */
static inline double get_minutes(
	const struct estimates *e, const char *package, const char *set, double day)
{
	struct estimate est = get(e, package, set, day);

	return estimate_median(&est) / (double)MINUTE;
}

#endif
