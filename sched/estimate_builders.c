#include "sched/estimate_builders.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define KEPT_PER_BUILD 0.99 /* About the last hundred builds of a builder count. */
#define DOUBT 5.0           /* Builds that say "as fast as it claims" before there are any. */
#define RATIO_MAX 1.5       /* Of one build, in logarithms: one outlier does not spoil it. */

void builder_records_finish(struct builder_records *records)
{
	for (size_t i = 0; i < records->n; i++)
		free(records->items[i].name);
	memset(records, 0, sizeof *records);
}

static struct builder_record *find(const struct builder_records *records, const char *builder)
{
	for (size_t i = 0; i < records->n; i++)
		if (strcmp(records->items[i].name, builder) == 0)
			return (struct builder_record *)&records->items[i];
	return NULL;
}

static struct builder_record *add(struct builder_records *records, const char *builder)
{
	struct builder_record *place = &records->items[0];

	if (records->n < BUILDERS_MAX) {
		place = &records->items[records->n++];
	} else {
		for (size_t i = 1; i < records->n; i++)
			if (records->items[i].last_used < place->last_used)
				place = &records->items[i];
		free(place->name);
	}
	*place = (struct builder_record){ .name = xstrdup(builder) };
	return place;
}

void builder_records_learn(struct builder_records *records, const char *builder, double ln_ratio)
{
	struct builder_record *record = find(records, builder);

	if (record == NULL)
		record = add(records, builder);
	record->sum = record->sum * KEPT_PER_BUILD + fmax(-RATIO_MAX, fmin(RATIO_MAX, ln_ratio));
	record->n = record->n * KEPT_PER_BUILD + 1;
	record->last_used = ++records->clock;
}

static double raw_factor(const struct builder_record *record)
{
	return record->sum / (record->n + DOUBT);
}

double builder_records_ln_factor(const struct builder_records *records, const char *builder)
{
	const struct builder_record *record = builder == NULL ? NULL : find(records, builder);
	double sum = 0, n = 0;

	if (record == NULL)
		return 0;
	for (size_t i = 0; i < records->n; i++) {
		sum += records->items[i].n * raw_factor(&records->items[i]);
		n += records->items[i].n;
	}
	return raw_factor(record) - sum / n;
}
