#include "sim/yardstick.h"

#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"
#include "sim/number.h"
#include "sim/spread.h"

#define CHAIN_S (7 * 86400.0)
#define THIN_QUANTILE 0.6
#define FAT_QUANTILE 0.9

const char *build_class_name(enum build_class class)
{
	static const char *const names[BUILD_CLASSES] = { "thin", "medium", "fat" };

	return names[class];
}

static void find_cost(struct yardstick *yardstick, uint32_t index)
{
	const struct trace *trace = yardstick->trace;
	const struct row *row = &trace->rows[index];
	double submit_s = number_seconds(row->submit_ms),
	       work_s = number_seconds(trace->work_ms[index]);
	double below_s = 0, ideal_start_s = submit_s;

	for (uint32_t i = 0; i < row->n_needs; i++) {
		uint32_t need = row->needs[i];

		ideal_start_s = fmax(ideal_start_s, yardstick->ideal_end_s[need]);
		if (submit_s - number_seconds(trace->rows[need].submit_ms) <= CHAIN_S)
			below_s = fmax(below_s, yardstick->cost_s[need]);
	}
	yardstick->cost_s[index] = work_s + below_s;
	yardstick->ideal_end_s[index] = ideal_start_s + work_s;
}

static void find_classes(struct yardstick *yardstick)
{
	size_t n = yardstick->trace->n;
	struct numbers sorted = { .items = xmemdup(yardstick->cost_s, n * sizeof(double)), .n = n };
	double thin_s, fat_s;

	numbers_sort(&sorted);
	thin_s = numbers_quantile(&sorted, THIN_QUANTILE);
	fat_s = numbers_quantile(&sorted, FAT_QUANTILE);
	for (size_t i = 0; i < n; i++) {
		double cost_s = yardstick->cost_s[i];

		yardstick->classes[i] = cost_s <= thin_s ? CLASS_THIN
					: cost_s > fat_s ? CLASS_FAT
							 : CLASS_MEDIUM;
	}
	free(sorted.items);
}

void yardstick_init(struct yardstick *yardstick, const struct trace *trace)
{
	*yardstick = (struct yardstick){
		.trace = trace,
		.cost_s = xcalloc(trace->n, sizeof(double)),
		.ideal_end_s = xcalloc(trace->n, sizeof(double)),
		.classes = xcalloc(trace->n, sizeof(uint8_t)),
		.newer = xcalloc(trace->n, sizeof(uint32_t)),
	};
	for (uint32_t i = 0; i < trace->n; i++) {
		yardstick->newer[i] = ROW_NONE;
		if (trace->rows[i].older != ROW_NONE)
			yardstick->newer[trace->rows[i].older] = i;
		find_cost(yardstick, i);
	}
	find_classes(yardstick);
}

void yardstick_finish(struct yardstick *yardstick)
{
	free(yardstick->cost_s);
	free(yardstick->ideal_end_s);
	free(yardstick->classes);
	free(yardstick->newer);
	*yardstick = (struct yardstick){ 0 };
}
