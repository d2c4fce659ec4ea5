#include "sim/score.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str_map.h"
#include "sim/number.h"

#define FLOOR_S 60.0 /* Shorter builds count as this long, so that seconds do not decide. */
#define JAIN_MIN 5   /* Builds. */

/* ---- one schedule ---- */

struct scoring {
	const struct yardstick *yardstick;
	const struct trace *trace;
	const struct farm *farm;
	const struct sim_result *result;
	double *satisfied_s, *slowdown; /* By row. */
	struct score *out;
};

/* The policies of the simulation leave nothing that is not satisfied in the end. */
static void find_satisfied(struct scoring *scoring)
{
	for (size_t i = scoring->trace->n; i-- > 0;) {
		const struct sim_build_result *build = &scoring->result->builds[i];
		uint32_t newer = scoring->yardstick->newer[i];
		double at_s = build->end_ms == NEVER_RAN ? INFINITY : number_seconds(build->end_ms);

		if (newer != ROW_NONE)
			at_s = fmin(at_s, scoring->satisfied_s[newer]);
		scoring->satisfied_s[i] = at_s;
	}
}

static double response_s(const struct scoring *scoring, size_t i)
{
	return scoring->satisfied_s[i] - number_seconds(scoring->trace->rows[i].submit_ms);
}

static void score_all(struct scoring *scoring)
{
	struct numbers stretch = { 0 }, slowdown = { 0 };

	for (size_t i = 0; i < scoring->trace->n; i++) {
		double work_s = fmax(number_seconds(scoring->trace->work_ms[i]), FLOOR_S);
		double cost_s = fmax(scoring->yardstick->cost_s[i], FLOOR_S);

		scoring->slowdown[i] = fmax(response_s(scoring, i) / cost_s, 1);
		numbers_add(&stretch, response_s(scoring, i) / work_s);
		numbers_add(&slowdown, scoring->slowdown[i]);
	}
	numbers_spread(&stretch, scoring->out->stretch);
	numbers_spread(&slowdown, scoring->out->slowdown);
	free(stretch.items);
	free(slowdown.items);
}

static void score_class(struct scoring *scoring, enum build_class class)
{
	struct numbers stretch = { 0 }, slowdown = { 0 };

	for (size_t i = 0; i < scoring->trace->n; i++) {
		double work_s = fmax(number_seconds(scoring->trace->work_ms[i]), FLOOR_S);

		if (scoring->yardstick->classes[i] != class)
			continue;
		numbers_add(&stretch, response_s(scoring, i) / work_s);
		numbers_add(&slowdown, scoring->slowdown[i]);
	}
	numbers_spread(&slowdown, scoring->out->class_slowdown[class]);
	scoring->out->class_stretch_mean[class] = numbers_mean(&stretch);
	free(stretch.items);
	free(slowdown.items);
}

static void score_waits(struct scoring *scoring)
{
	struct numbers thin = { 0 }, fat = { 0 };
	double spread[SPREADS];

	for (size_t i = 0; i < scoring->trace->n; i++) {
		double late_s = scoring->satisfied_s[i] - scoring->yardstick->ideal_end_s[i];
		double wait_s = response_s(scoring, i) - number_seconds(scoring->trace->work_ms[i]);

		if (scoring->yardstick->classes[i] == CLASS_THIN)
			numbers_add(&thin, fmax(late_s, 0) / 60);
		else if (scoring->yardstick->classes[i] == CLASS_FAT)
			numbers_add(&fat, fmax(wait_s, 0) / 3600);
	}
	numbers_spread(&thin, spread);
	scoring->out->thin_wait_mean_m = spread[SPREAD_MEAN];
	scoring->out->thin_wait_p99_m = spread[SPREAD_P99];
	numbers_spread(&fat, spread);
	scoring->out->fat_wait_mean_h = spread[SPREAD_MEAN];
	scoring->out->fat_wait_max_h = spread[SPREAD_MAX];
	free(thin.items);
	free(fat.items);
}

/* A build that was superseded before it started is excused when something that had come needed it,
 * and did run. */
static bool *find_needed(const struct scoring *scoring)
{
	const struct sim_build_result *builds = scoring->result->builds;
	bool *needed = xcalloc(scoring->trace->n, sizeof *needed);

	for (size_t i = 0; i < scoring->trace->n; i++) {
		const struct row *row = &scoring->trace->rows[i];

		if (builds[i].end_ms == NEVER_RAN)
			continue;
		for (uint32_t k = 0; k < row->n_needs; k++) {
			int64_t start_ms = builds[row->needs[k]].start_ms;

			if (row->submit_ms <= start_ms && builds[i].end_ms > start_ms)
				needed[row->needs[k]] = true;
		}
	}
	return needed;
}

static double stale_s(const struct scoring *scoring)
{
	cleanup_free bool *needed = find_needed(scoring);
	double sum_s = 0;

	for (size_t i = 0; i < scoring->trace->n; i++) {
		int64_t start_ms = scoring->result->builds[i].start_ms;
		uint32_t newer = scoring->yardstick->newer[i];

		if (start_ms != NEVER_RAN && newer != ROW_NONE && !needed[i] &&
			scoring->trace->rows[newer].submit_ms <= start_ms)
			sum_s += number_seconds(scoring->trace->work_ms[i]);
	}
	return sum_s;
}

static void score_slots(struct scoring *scoring)
{
	const struct trace *trace = scoring->trace;
	const struct sim_build_result *builds = scoring->result->builds;
	int64_t first_ms = trace->rows[0].submit_ms, last_ms = trace->rows[trace->n - 1].submit_ms;
	int64_t end_ms = first_ms;
	double busy_s = 0, waste_s = 0;

	for (size_t i = 0; i < scoring->result->n_ran; i++) {
		size_t row = scoring->result->order[i];
		const struct sim_build_result *build = &builds[row];
		int64_t until_ms = build->end_ms < last_ms ? build->end_ms : last_ms;

		busy_s += fmax(number_seconds(until_ms - build->start_ms), 0);
		waste_s += number_seconds(build->end_ms - build->start_ms) -
			   number_seconds(trace->work_ms[row]) /
				   farm_builder_of(scoring->farm, build->slot)->speed;
		if (build->end_ms > end_ms)
			end_ms = build->end_ms;
	}
	scoring->out->util =
		busy_s / (scoring->farm->n_slots * fmax(number_seconds(last_ms - first_ms), 1));
	scoring->out->makespan_h = number_seconds(end_ms - first_ms) / 3600;
	scoring->out->lock_waste_h = waste_s / 3600;
	scoring->out->stale_h = stale_s(scoring) / 3600;
	scoring->out->jobs_run = (double)scoring->result->n_ran;
	scoring->out->jobs = (double)trace->n;
}

/* ---- who shares, and what belongs together ---- */

struct sum {
	double sum, min, max;
	size_t n;
};

/* Sums by name. */
struct sums {
	struct str_map index;
	struct sum *items;
	size_t n, capacity;
};

static struct sum *sum_of(struct sums *sums, const char *name)
{
	uint32_t at = str_map_get(&sums->index, name);

	if (at == STR_MAP_NONE) {
		at = (uint32_t)sums->n++;
		array_reserve(&sums->items, &sums->capacity, sums->n, sizeof *sums->items);
		sums->items[at] = (struct sum){ .min = INFINITY, .max = -INFINITY };
		str_map_set(&sums->index, name, at);
	}
	return &sums->items[at];
}

static void sums_finish(struct sums *sums)
{
	str_map_finish(&sums->index);
	free(sums->items);
}

/* Jain, Chiu and Hawe (1984), over the submitters' mean slowdowns. */
static void score_fairness(struct scoring *scoring)
{
	struct sums sums = { 0 };
	double sum = 0, squares = 0;
	size_t n = 0;

	for (size_t i = 0; i < scoring->trace->n; i++) {
		struct sum *submitter = sum_of(&sums, scoring->trace->rows[i].submitter);

		submitter->sum += scoring->slowdown[i];
		submitter->n++;
	}
	for (size_t i = 0; i < sums.n; i++) {
		double mean = sums.items[i].sum / (double)sums.items[i].n;

		if (sums.items[i].n < JAIN_MIN)
			continue;
		sum += mean;
		squares += mean * mean;
		n++;
	}
	scoring->out->jain = n > 0 ? sum * sum / ((double)n * squares) : 1;
	sums_finish(&sums);
}

/* From the first submit of a revision of master until all its builds for at most one capability are
 * satisfied. */
static void score_green(struct scoring *scoring)
{
	struct numbers hours = { 0 };
	struct sums revisions = { 0 };
	double spread[SPREADS];

	for (size_t i = 0; i < scoring->trace->n; i++) {
		const struct row *row = &scoring->trace->rows[i];
		struct sum *revision;

		if (strcmp(row->branch, "master") != 0 || row->n_caps > 1)
			continue;
		revision = sum_of(&revisions, row->rev);
		revision->min = fmin(revision->min, number_seconds(row->submit_ms));
		revision->max = fmax(revision->max, scoring->satisfied_s[i]);
	}
	for (size_t i = 0; i < revisions.n; i++)
		numbers_add(&hours, (revisions.items[i].max - revisions.items[i].min) / 3600);
	numbers_spread(&hours, spread);
	scoring->out->green_mean_h = spread[SPREAD_MEAN];
	scoring->out->green_p95_h = spread[SPREAD_P95];
	free(hours.items);
	sums_finish(&revisions);
}

void score_make(const struct yardstick *yardstick, const struct farm *farm,
	const struct sim_result *result, struct score *out)
{
	size_t n = yardstick->trace->n;
	struct scoring scoring = {
		.yardstick = yardstick,
		.trace = yardstick->trace,
		.farm = farm,
		.result = result,
		.satisfied_s = xcalloc(n, sizeof(double)),
		.slowdown = xcalloc(n, sizeof(double)),
		.out = out,
	};

	*out = (struct score){ 0 };
	find_satisfied(&scoring);
	score_all(&scoring);
	for (int class = 0; class < BUILD_CLASSES; class ++)
		score_class(&scoring, (enum build_class) class);
	score_waits(&scoring);
	score_slots(&scoring);
	score_fairness(&scoring);
	score_green(&scoring);
	free(scoring.satisfied_s);
	free(scoring.slowdown);
}

/* ---- by name ---- */

#define FIGURE(name, member)                                                                       \
	{                                                                                          \
		name, offsetof(struct score, member)                                               \
	}
#define PART(name, member, part)                                                                   \
	{                                                                                          \
		name, offsetof(struct score, member) + (part) * sizeof(double)                     \
	}
#define SPREAD(name, member)                                                                       \
	PART(name "_mean", member, SPREAD_MEAN), PART(name "_p50", member, SPREAD_P50),            \
		PART(name "_p95", member, SPREAD_P95), PART(name "_p99", member, SPREAD_P99),      \
		PART(name "_max", member, SPREAD_MAX)

static const struct figure {
	const char *name;
	size_t offset;
} figures[] = {
	SPREAD("str", stretch),
	SPREAD("slo", slowdown),
	SPREAD("thin_slo", class_slowdown[CLASS_THIN]),
	FIGURE("thin_str_mean", class_stretch_mean[CLASS_THIN]),
	SPREAD("medium_slo", class_slowdown[CLASS_MEDIUM]),
	FIGURE("medium_str_mean", class_stretch_mean[CLASS_MEDIUM]),
	SPREAD("fat_slo", class_slowdown[CLASS_FAT]),
	FIGURE("fat_str_mean", class_stretch_mean[CLASS_FAT]),
	FIGURE("thin_wait_mean_m", thin_wait_mean_m),
	FIGURE("thin_wait_p99_m", thin_wait_p99_m),
	FIGURE("fat_wait_mean_h", fat_wait_mean_h),
	FIGURE("fat_wait_max_h", fat_wait_max_h),
	FIGURE("util", util),
	FIGURE("makespan_h", makespan_h),
	FIGURE("lock_waste_h", lock_waste_h),
	FIGURE("stale_h", stale_h),
	FIGURE("jobs_run", jobs_run),
	FIGURE("jobs", jobs),
	FIGURE("jain", jain),
	FIGURE("ttg_mean_h", green_mean_h),
	FIGURE("ttg_p95_h", green_p95_h),
};

const char *score_name(size_t i)
{
	return i < ARRAY_LEN(figures) ? figures[i].name : NULL;
}

double score_value(const struct score *score, size_t i)
{
	double value;

	memcpy(&value, (const char *)score + figures[i].offset, sizeof value);
	return value;
}
