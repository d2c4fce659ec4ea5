/* How much longer each builder takes than its speed says, so that a slow one's times are not taken
 * for a package's cost. Pure; shared by the files of sched/ only.
 *
 * Only differences between builders can be known: with one builder, or when all get slower, it is
 * the builds that cost more. The factors are therefore 1 on average over recent builds. */
#ifndef CAPQ_SCHED_ESTIMATE_BUILDERS_H
#define CAPQ_SCHED_ESTIMATE_BUILDERS_H

#include <stddef.h>
#include <stdint.h>

#define BUILDERS_MAX 64 /* The one not used for the longest is forgotten for another. */

struct builder_record {
	char *name;
	double sum, n; /* Of ln(time taken / time expected), the latest counting most. */
	uint64_t last_used;
};

struct builder_records {
	struct builder_record items[BUILDERS_MAX];
	size_t n;
	uint64_t clock; /* Counts uses. */
};

void builder_records_finish(struct builder_records *records);

/* A build on `builder` took exp(ln_ratio) times what the package's history says. */
void builder_records_learn(struct builder_records *records, const char *builder, double ln_ratio);

/* ln of the factor; 0 for a builder that is NULL or not known. */
double builder_records_ln_factor(const struct builder_records *records, const char *builder);

#endif
