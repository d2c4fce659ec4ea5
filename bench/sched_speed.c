/* How fast the schedule decides, and what a waiting build costs.
 *
 *   capq-sched-speed N      with N waiting builds
 *
 * All are ready, of 8 submitters; each tenth is long. One decision is what happens in capqd when a
 * slot is free: decide, start, the build ends, a new one arrives in its place; so N stays what it
 * is. Time goes on by what 16 slots need for a build. Prints one JSON object. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sched/forecast.h"
#include "sched/schedule.h"

#define SUBMITTERS 8
#define SLOTS 16
#define DECISIONS 40000
#define ROUNDS 20
#define COST_MIN_MS 6e4
#define COST_RANGE 7.0     /* Costs are spread evenly over so many powers of e, up to 18 hours. */
#define FORECAST_MAX 20000 /* More is not played here: it takes long. */
#define STEP_MS 590000     /* A mean cost through the number of slots. */

struct bench {
	struct sched *sched;
	uint32_t submitters[SUBMITTERS], system;
	int64_t next_id, now_ms;
	uint64_t seed;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* In (0, 1): xorshift64* (Vigna 2016). */
static double draw(struct bench *bench)
{
	bench->seed ^= bench->seed >> 12;
	bench->seed ^= bench->seed << 25;
	bench->seed ^= bench->seed >> 27;
	return ((double)(bench->seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) + 0.5) * 0x1p-53;
}

/* Resident memory of this process, in bytes. */
static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long total, resident = 0;

	if (file != NULL) {
		if (fscanf(file, "%ld %ld", &total, &resident) != 2)
			resident = 0;
		(void)fclose(file);
	}
	return (double)resident * 4096;
}

static void arrive(struct bench *bench)
{
	double cost_ms = COST_MIN_MS * exp(COST_RANGE * draw(bench));
	struct sched_build build = {
		.id = ++bench->next_id,
		.lane = SCHED_BUILD,
		.system = bench->system,
		.cost_ms = cost_ms,
		.cost_sigma = 0.3,
	};
	struct sched_want want = {
		.jobs = 1,
		.weight = 1,
		.submitter = bench->submitters[(size_t)(draw(bench) * SUBMITTERS)],
		.since_ms = bench->now_ms,
		.start_by_ms = SCHED_PROMISE_NOW,
	};

	sched_add(bench->sched, &build, NULL, 0);
	sched_set_want(bench->sched, build.id, &want, bench->now_ms);
	sched_set_ready(bench->sched, build.id, 0);
}

static void ignore(void *owner, int64_t build)
{
	(void)owner;
	(void)build;
}

static void begin(struct bench *bench)
{
	struct sched_builder builder = { .name = "local", .slots = { SLOTS, 0 }, .speed = 1 };

	bench->sched = sched_create();
	(void)sched_system(bench->sched, "x86_64-linux", &bench->system, NULL);
	builder.systems = UINT32_C(1) << bench->system;
	sched_set_builders(bench->sched, &builder, 1);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "user%zu", i);
		bench->submitters[i] = sched_submitter(bench->sched, name);
	}
	for (int i = 0; i < 100; i++) /* What is long. */
		sched_learn(
			bench->sched, COST_MIN_MS * exp(COST_RANGE * draw(bench)), bench->now_ms);
}

/* One more runs in the place of the one that has run longest. Returns how long it took to decide
 * that. */
static double decide(struct bench *bench, int64_t running[SLOTS], size_t at)
{
	struct sched_decision decision;
	double began_s;

	bench->now_ms += STEP_MS;
	began_s = now_s();
	if (running[at] != 0)
		sched_built(bench->sched, running[at], bench->now_ms, ignore, NULL);
	sched_decide(bench->sched, bench->now_ms, &decision);
	if (decision.n != 1) {
		(void)fprintf(stderr, "capq-sched-speed: nothing starts\n");
		exit(1);
	}
	sched_started(bench->sched, &decision, bench->now_ms);
	running[at] = decision.builds[0];
	return now_s() - began_s;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Microseconds: the median of rounds, because others work on the machine too. */
static double median_us(double seconds[ROUNDS], size_t n)
{
	qsort(seconds, ROUNDS, sizeof *seconds, compare);
	return 1e6 * seconds[ROUNDS / 2] / (double)n;
}

/* The time for the copy, and for the plays: milliseconds. */
static void forecast(struct bench *bench, size_t n, double *copy_ms, double *plays_ms)
{
	double began_s = now_s(), copied_s;
	struct sched *copy = sched_copy(bench->sched);

	copied_s = now_s();
	forecast_destroy(forecast_make(copy, bench->now_ms, forecast_plays(n)));
	*copy_ms = 1e3 * (copied_s - began_s);
	*plays_ms = 1e3 * (now_s() - copied_s);
}

int main(int argc, char **argv)
{
	struct bench bench = { .seed = 1, .now_ms = 1 };
	int64_t running[SLOTS] = { 0 };
	double decide_s[ROUNDS] = { 0 }, arrive_s[ROUNDS] = { 0 }, before_bytes, began_s, fill_s;
	size_t n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0, per_round = DECISIONS / ROUNDS;

	if (n == 0) {
		(void)fprintf(stderr, "usage: capq-sched-speed N\n");
		return 2;
	}
	begin(&bench);
	before_bytes = resident_bytes();
	began_s = now_s();
	for (size_t i = 0; i < n; i++, bench.now_ms += STEP_MS)
		arrive(&bench);
	fill_s = now_s() - began_s;
	before_bytes = resident_bytes() - before_bytes;
	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < per_round; i++) {
			decide_s[round] += decide(&bench, running, i % SLOTS);
			began_s = now_s();
			arrive(&bench);
			arrive_s[round] += now_s() - began_s;
		}
	}
	printf("{\"waiting\": %zu, \"decision_us\": %.3f, \"arrival_us\": %.3f, "
	       "\"fill_us\": %.3f, \"bytes_each\": %.1f",
		n, median_us(decide_s, per_round), median_us(arrive_s, per_round),
		1e6 * fill_s / (double)n, before_bytes / (double)n);
	if (n <= FORECAST_MAX) {
		double copy_ms, plays_ms;

		forecast(&bench, n, &copy_ms, &plays_ms);
		printf(", \"forecast_copy_ms\": %.1f, \"forecast_ms\": %.0f", copy_ms, plays_ms);
	}
	printf("}\n");
	sched_destroy(bench.sched);
	return 0;
}
