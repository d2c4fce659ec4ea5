/* The queue played forward: when builds start and are done. */
#include "tests/support/cmocka_all.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "lib/mem.h"
#include "sched/estimate.h"
#include "sched/forecast.h"
#include "tests/support/sched_case.h"

#define PLAYS 41
/* Which parts of the distribution are its p50 and p90, of so many plays: the 21st and the 37th. */
#define P50 (20.5 / PLAYS)
#define P90 (36.5 / PLAYS)

static struct forecast_span span_of(const struct forecast *f, int64_t build)
{
	struct forecast_span span;

	assert_true(forecast_get(f, build, &span));
	return span;
}

static struct forecast_span forecast(const struct sched *s, int64_t build, int64_t now_ms)
{
	struct forecast *f = forecast_make(sched_copy(s), now_ms, PLAYS);
	struct forecast_span span = span_of(f, build);

	forecast_destroy(f);
	return span;
}

static void assert_about(int64_t got_ms, double wanted_ms)
{
	if (fabs((double)got_ms - wanted_ms) > SECOND)
		fail_msg("%ld, not %.0f", (long)got_ms, wanted_ms);
}

static void put(struct sched *s, int64_t id, double cost_ms, double sigma, const int64_t *needs)
{
	struct sched_build build = sched_case_build(id, cost_ms);
	struct sched_want want = sched_case_want(0);

	build.cost_sigma = sigma;
	sched_case_put(s, &build, &want, needs);
}

/* A build that waits for nothing has the quantiles of its estimate. */
static void alone_it_takes_what_is_estimated(void **state)
{
	static const double sigmas[] = { 0.1, 0.5, 1.5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sigmas); i++) {
		struct sched *s = sched_case_begin(1, 0);
		struct estimate cost = { .mu = log((double)HOUR), .sigma = (float)sigmas[i] };
		struct forecast_span span;

		put(s, 1, HOUR, sigmas[i], NULL);
		span = forecast(s, 1, 5 * MINUTE);
		assert_int_equal(span.start_p50_ms, 5 * MINUTE);
		assert_int_equal(span.start_p90_ms, 5 * MINUTE);
		assert_about(span.done_p50_ms, 5 * MINUTE + estimate_quantile(&cost, P50));
		assert_about(span.done_p90_ms, 5 * MINUTE + estimate_quantile(&cost, P90));
		sched_destroy(s);
	}
}

static void a_fast_builder_takes_less(void **state)
{
	struct sched *s = sched_case_begin(0, 0);
	struct sched_builder fast = { .name = "fast", .systems = 1, .slots = { 1 }, .speed = 4 };

	(void)state;
	sched_set_builders(s, &fast, 1);
	put(s, 1, HOUR, 0.1, NULL);
	assert_about(forecast(s, 1, 0).done_p50_ms, HOUR / 4.0);
	sched_destroy(s);
}

/* What runs has taken some of it already. */
static void what_runs_has_what_is_left(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct estimate cost = { .mu = log((double)HOUR), .sigma = 0.5F };
	struct forecast_span span;
	int64_t now_ms = 90 * MINUTE;

	(void)state;
	put(s, 1, HOUR, 0.5, NULL);
	put(s, 2, MINUTE, 0, NULL);
	sched_case_start(s, 1, SCHED_RULE_SCORE, 0);
	span = forecast(s, 1, now_ms);
	assert_int_equal(span.start_p50_ms, 0);
	assert_int_equal(span.start_p90_ms, 0);
	assert_about(
		span.done_p50_ms, (double)now_ms + estimate_remaining(&cost, (double)now_ms, P50));
	assert_about(
		span.done_p90_ms, (double)now_ms + estimate_remaining(&cost, (double)now_ms, P90));
	assert_about(forecast(s, 2, now_ms).start_p50_ms, (double)span.done_p50_ms);
	sched_destroy(s);
}

/* Each starts when what it needs is done. */
static void a_chain(void **state)
{
	struct sched *s = sched_case_begin(5, 0);
	struct forecast *f;
	int64_t before_ms = 0;

	(void)state;
	for (int64_t id = 1; id <= 4; id++)
		put(s, id, HOUR, 0.5, id > 1 ? NEEDS(id - 1) : NULL);
	f = forecast_make(sched_copy(s), 0, PLAYS);
	for (int64_t id = 1; id <= 4; id++) {
		assert_int_equal(span_of(f, id).start_p50_ms, before_ms);
		before_ms = span_of(f, id).done_p50_ms;
	}
	forecast_destroy(f);
	sched_destroy(s);
}

/* The sum of four independent lognormal hours of sigma 0.5 has its median at 4.38 h and its
 * p90 1.74 h later (100,000 draws). Were they all late together, that would be 3.6 h; over a
 * hundred chains the forecasts come near. */
static void chances_are_independent(void **state)
{
	const int64_t n_chains = 100;
	struct sched *s = sched_case_begin(1000, 0);
	double median_h = 0, spread_h = 0;
	struct forecast *f;

	(void)state;
	for (int64_t id = 1; id <= 4 * n_chains; id++)
		put(s, id, HOUR, 0.5, id % 4 != 1 ? NEEDS(id - 1) : NULL);
	f = forecast_make(sched_copy(s), 0, PLAYS);
	for (int64_t id = 4; id <= 4 * n_chains; id += 4) {
		struct forecast_span span = span_of(f, id);

		median_h += (double)span.done_p50_ms / HOUR / (double)n_chains;
		spread_h += (double)(span.done_p90_ms - span.done_p50_ms) / HOUR / (double)n_chains;
	}
	assert_true(median_h > 4.2 && median_h < 4.6);
	assert_true(spread_h > 1.4 && spread_h < 2.0);
	forecast_destroy(f);
	sched_destroy(s);
}

/* Twelve hours of work without spread on two slots, the short ones first. */
static void a_full_queue(void **state)
{
	struct sched *s = sched_case_begin(2, 0);
	struct forecast *f;

	(void)state;
	for (int64_t id = 1; id <= 6; id++)
		put(s, id, id <= 3 ? HOUR : 3 * HOUR, 0, NULL);
	f = forecast_make(sched_copy(s), 0, 1);
	assert_about(span_of(f, 1).start_p50_ms, 0);
	assert_about(span_of(f, 2).start_p50_ms, 0);
	assert_about(span_of(f, 3).start_p50_ms, HOUR);
	assert_about(span_of(f, 4).start_p50_ms, HOUR);
	assert_about(span_of(f, 5).start_p50_ms, 2 * HOUR);
	assert_about(span_of(f, 6).start_p50_ms, 4 * HOUR);
	assert_about(span_of(f, 6).done_p90_ms, 7 * HOUR);
	forecast_destroy(f);
	sched_destroy(s);
}

/* What its inputs are still fetched for is played as if they were there; what is not due, then. */
static void what_is_not_ready_yet(void **state)
{
	struct sched *s = sched_case_begin(9, 0);

	(void)state;
	sched_case_add(s, 1, NULL);
	sched_case_add(s, 2, NULL);
	sched_set_ready(s, 2, HOUR);
	assert_int_equal(forecast(s, 1, MINUTE).start_p50_ms, MINUTE);
	assert_int_equal(forecast(s, 2, MINUTE).start_p50_ms, HOUR);
	sched_destroy(s);
}

static void what_cannot_start_never_does(void **state)
{
	struct sched *s = sched_case_begin(9, 0);
	struct sched_want held = sched_case_want(0);
	struct sched_build other = sched_case_build(4, MINUTE);

	(void)state;
	held.is_held = true;
	sched_case_add_ready(s, 1);
	sched_set_want(s, 1, &held, 0);
	sched_case_add(s, 2, NEEDS(1));
	sched_set_want(s, 2, &held, 0);
	sched_case_add_ready(s, 3);
	other.system = 7;
	held.is_held = false;
	sched_case_put(s, &other, &held, NULL);
	for (int64_t id = 1; id <= 4; id++) {
		struct forecast_span span = forecast(s, id, 0);

		assert_int_equal(span.start_p50_ms == INT64_MAX, id != 3);
		assert_int_equal(span.start_p90_ms == INT64_MAX, id != 3);
		assert_int_equal(span.done_p50_ms == INT64_MAX, id != 3);
		assert_int_equal(span.done_p90_ms == INT64_MAX, id != 3);
	}
	sched_destroy(s);
}

static void a_batch_ends_together(void **state)
{
	struct sched *s = sched_case_begin(1, 0);
	struct forecast *f;

	(void)state;
	sched_set_batching(s, (struct sched_batching){ .cost_ms = HOUR, .max = 3 });
	for (int64_t id = 1; id <= 4; id++)
		put(s, id, MINUTE, 0, NULL);
	f = forecast_make(sched_copy(s), 0, 1);
	assert_int_equal(span_of(f, 3).start_p50_ms, 0);
	assert_about(span_of(f, 1).done_p50_ms, 3 * MINUTE);
	assert_about(span_of(f, 3).done_p50_ms, 3 * MINUTE);
	assert_about(span_of(f, 4).start_p50_ms, 3 * MINUTE);
	forecast_destroy(f);
	sched_destroy(s);
}

/* The same schedule gives the same forecast; and it is not changed by it. */
static void it_is_the_same_twice(void **state)
{
	struct sched *s = sched_case_begin(3, 0);
	struct forecast *once, *twice;

	(void)state;
	for (int64_t id = 1; id <= 60; id++)
		put(s, id, (double)(1 + id * 7919 % 100) * MINUTE, 0.5,
			id % 3 == 0 ? NEEDS(id - 1) : NULL);
	once = forecast_make(sched_copy(s), 0, PLAYS);
	twice = forecast_make(sched_copy(s), 0, PLAYS);
	for (int64_t id = 1; id <= 60; id++) {
		struct forecast_span a = span_of(once, id), b = span_of(twice, id);

		assert_memory_equal(&a, &b, sizeof a);
		assert_true(a.start_p50_ms <= a.start_p90_ms && a.done_p50_ms <= a.done_p90_ms);
		assert_true(a.start_p50_ms < a.done_p50_ms);
		assert_int_not_equal(sched_state(s, id), SCHED_RUNNING);
	}
	forecast_destroy(once);
	forecast_destroy(twice);
	sched_destroy(s);
}

static void what_is_not_there_has_none(void **state)
{
	struct forecast *f = forecast_make(sched_create(), 0, 1);
	struct forecast_span span;

	(void)state;
	assert_false(forecast_get(f, 1, &span));
	forecast_destroy(f);
	forecast_destroy(NULL);
}

/* In draw() a build gets every part of its distribution once only if their number is prime. */
static void plays_are_few_for_many_and_prime(void **state)
{
	unsigned before = 100;

	(void)state;
	for (size_t n = 1; n <= 10000000; n *= 10) {
		unsigned plays = forecast_plays(n);

		assert_in_range(plays, 2, before);
		for (unsigned k = 2; k < plays; k++)
			assert_int_not_equal(plays % k, 0);
		before = plays;
	}
}

/* How long it takes is printed, not judged: machines differ. */
static void ten_thousand_waiting_builds(void **state)
{
	const int64_t n = 10000;
	struct sched *s = sched_case_begin(16, 0);
	struct timespec begin, end;
	struct sched *copy;
	struct forecast *f;

	(void)state;
	for (int64_t id = 1; id <= n; id++)
		put(s, id, (double)(1 + id * 7919 % 600) * MINUTE, 0.5,
			id % 4 == 0 ? NEEDS(id - 1, id - 2) : NULL);
	copy = sched_copy(s);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	f = forecast_make(copy, 0, forecast_plays((size_t)n));
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("%ld builds played %u times in %ld ms\n", (long)n, forecast_plays((size_t)n),
		(long)((end.tv_sec - begin.tv_sec) * 1000 +
			(end.tv_nsec - begin.tv_nsec) / 1000000));
	for (int64_t id = 1; id <= n; id++)
		assert_true(span_of(f, id).done_p90_ms < INT64_MAX);
	forecast_destroy(f);
	sched_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone_it_takes_what_is_estimated),
		cmocka_unit_test(a_fast_builder_takes_less),
		cmocka_unit_test(what_runs_has_what_is_left),
		cmocka_unit_test(a_chain),
		cmocka_unit_test(chances_are_independent),
		cmocka_unit_test(a_full_queue),
		cmocka_unit_test(what_is_not_ready_yet),
		cmocka_unit_test(what_cannot_start_never_does),
		cmocka_unit_test(a_batch_ends_together),
		cmocka_unit_test(it_is_the_same_twice),
		cmocka_unit_test(what_is_not_there_has_none),
		cmocka_unit_test(plays_are_few_for_many_and_prime),
		cmocka_unit_test(ten_thousand_waiting_builds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
