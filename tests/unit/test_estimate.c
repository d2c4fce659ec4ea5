/* What estimates learn and from what: one rule a test. */
#include "tests/support/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/estimate_history.h"
#include "tests/support/estimate_case.h"

#define ALL "7.5,8.0,8.6,8.9,9.0,10.0,12.0,12.1" /* Eight of them. */

#define assert_between(low, x, high)                                                               \
	do {                                                                                       \
		double x_ = (x);                                                                   \
		if (!(x_ >= (low) && x_ <= (high)))                                                \
			fail_msg("%s is %g, not %g to %g", #x, x_, (double)(low), (double)(high)); \
	} while (0)

static void repeat(struct estimates *e, int n, const char *package, const char *set, double minutes,
	double day)
{
	for (int i = 0; i < n; i++)
		learn_built(e, package, set, minutes, day);
}

static void rests_on_the_best_that_is_known(void **state)
{
	static const struct {
		const char *package, *set, *system;
		enum estimate_basis basis;
		size_t n;
		double low, high; /* Of the median, in minutes. */
	} cases[] = {
		{ "torch", "8.6", "x86_64-linux", ESTIMATE_SET, 5, 95, 105 },
		{ "torch", "8.6+PTX", "x86_64-linux", ESTIMATE_OTHER_SETS, 10, 95, 105 },
		{ "torch", "9.0", "x86_64-linux", ESTIMATE_OTHER_SETS, 10, 95, 105 },
		{ "torch", "8.6,9.0", "x86_64-linux", ESTIMATE_OTHER_SETS, 10, 130, 200 },
		{ "torch", ALL, "x86_64-linux", ESTIMATE_OTHER_SETS, 10, 400, 650 },
		{ "torch", "8.6", "aarch64-linux", ESTIMATE_PACKAGE, 10, 80, 120 },
		{ "cmake", "any", "x86_64-linux", ESTIMATE_SET, 1, 9, 20 },
		{ "cmake", "", "x86_64-linux", ESTIMATE_SET, 1, 9, 20 },
		{ "cmake", NULL, "x86_64-linux", ESTIMATE_SET, 1, 9, 20 },
		{ "magma", "8.6", "x86_64-linux", ESTIMATE_EVERYTHING, 2, 10, 100 },
	};
	struct estimates *e = estimates_create();
	double sigma_before = 0;

	(void)state;
	repeat(e, 5, "torch", "8.6", 100, 1);
	repeat(e, 5, "torch", "7.5,8.0,8.6", 220, 1);
	learn_built(e, "cmake", "", 10, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimate_key key = { cases[i].package, cases[i].set, cases[i].system };
		struct estimate est;

		estimates_get(e, &key, NULL, DAY, &est);
		assert_string_equal(
			estimate_basis_name(est.basis), estimate_basis_name(cases[i].basis));
		assert_int_equal(est.n, cases[i].n);
		assert_between(cases[i].low, estimate_median(&est) / MINUTE, cases[i].high);
		if (i == 0 || i == 2 || i == 5 || i == 9) { /* Less and less is known. */
			assert_true(est.sigma > sigma_before);
			sigma_before = est.sigma;
		}
	}
	assert_int_equal(estimates_n_packages(e), 2);
	estimates_destroy(e);
}

static void knows_something_before_the_first_build(void **state)
{
	struct estimates *e = estimates_create();
	struct estimate est = get(e, "torch", "8.6", 0);

	(void)state;
	assert_int_equal(est.basis, ESTIMATE_EVERYTHING);
	assert_int_equal(est.n, 0);
	assert_between(5, estimate_median(&est) / MINUTE, 20);
	assert_between(1, est.sigma, 2);
	assert_true(est.cores == 0); /* Not known. */
	assert_int_equal(est.peak_memory_bytes, -1);
	assert_int_equal(est.output_bytes, -1);
	estimates_destroy(e);
	estimates_destroy(NULL);
}

/* How cost grows with the number of capabilities is learnt from other packages where the package
 * itself was built for one number only. */
static void growth_is_learnt_from_other_packages(void **state)
{
	static const struct {
		double of_all; /* Cost of ALL, in costs of one, of those packages. */
		double low, high;
	} cases[] = { { 1, 9, 13 }, { 4.5, 35, 50 }, { 8, 65, 85 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimates *e = estimates_create();

		for (int p = 0; p < 20; p++) {
			char name[] = { 'p', (char)('a' + p), '\0' };

			repeat(e, 5, name, "8.6", 5 + p, 1);
			repeat(e, 5, name, ALL, (5 + p) * cases[i].of_all, 1);
		}
		repeat(e, 5, "new", "8.6", 10, 1);
		assert_between(cases[i].low, get_minutes(e, "new", ALL, 1), cases[i].high);
		estimates_destroy(e);
	}
}

/* Where sets of equal size keep costing different times, a set's own builds count for more. */
static void differences_between_sets_are_learnt(void **state)
{
	static const char *const sets[] = { "8.0", "8.6", "8.9", "9.0" };
	double pull[2];

	(void)state;
	for (int differ = 0; differ <= 1; differ++) {
		struct estimates *e = estimates_create();

		for (int i = 0; i < 400; i++) {
			char name[] = { 'p', (char)('a' + i % 10), '\0' };
			size_t set = (size_t)(i / 10) % 4;
			double factor = differ && (set + (size_t)(i % 10)) % 2 ? 2 : 1;

			learn_built(e, name, sets[set], 20 * factor * (i % 3 ? 1 : 1.2), 1);
		}
		repeat(e, 5, "new", "8.0", 10, 1);
		repeat(e, 5, "new", "8.6", 10, 1);
		repeat(e, 2, "new", "9.0", 20, 1);
		pull[differ] = get_minutes(e, "new", "9.0", 1);
		estimates_destroy(e);
	}
	assert_between(10, pull[0], 15);
	assert_between(17, pull[1], 20.1);
}

/* A set that was dearer long ago is now what its package is. */
static void differences_between_sets_do_not_last(void **state)
{
	struct estimates *e = estimates_create();

	(void)state;
	for (int i = 0; i < 400; i++) {
		char name[] = { 'p', (char)('a' + i % 10), '\0' };

		learn_built(e, name, i / 10 % 2 ? "8.0" : "8.6", i / 10 % 2 ? 10 : 20, 1);
	}
	repeat(e, 10, "torch", "9.0", 20, 1);
	assert_between(18, get_minutes(e, "torch", "9.0", 1), 21);
	repeat(e, 10, "torch", "8.0", 10, 100);
	repeat(e, 10, "torch", "8.6", 10, 100);
	assert_between(9.5, get_minutes(e, "torch", "9.0", 100), 12.5);
	estimates_destroy(e);
}

static void the_latest_count_most(void **state)
{
	struct estimates *e = estimates_create();

	(void)state;
	for (int i = 0; i < 12; i++)
		learn_built(e, "by-time", "", 10, i);
	repeat(e, 3, "by-time", "", 20, 150);
	assert_between(18, get_minutes(e, "by-time", "", 150), 20);
	repeat(e, 8, "few", "", 10, 150);
	repeat(e, 8, "few", "", 20, 150);
	assert_between(14.6, get_minutes(e, "few", "", 150), 19);
	repeat(e, 100, "by-number", "", 10, 150);
	repeat(e, 16, "by-number", "", 20, 150);
	assert_between(19.9, get_minutes(e, "by-number", "", 150), 20.1);
	estimates_destroy(e);
}

static void what_is_old_is_less_sure(void **state)
{
	struct estimates *e = estimates_create();
	double sigma = 0;

	(void)state;
	repeat(e, 10, "torch", "8.6", 10, 0);
	for (int day = 0; day <= 1000; day += 250) {
		struct estimate est = get(e, "torch", "8.6", day);

		assert_between(9, estimate_median(&est) / MINUTE, 11);
		assert_true(est.sigma > sigma);
		sigma = est.sigma;
	}
	assert_between(0.5, sigma, 1.5);
	estimates_destroy(e);
}

static void one_outlier_spoils_nothing(void **state)
{
	static const struct {
		int builds;
		double odd, low, high; /* Minutes; the others take ten. */
	} cases[] = {
		{ 4, 1000, 9.5, 12.5 },
		{ 10, 100, 9.5, 11 },
		{ 10, 100000, 9.5, 11 },
		{ 10, 0.001, 9, 10.5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimates *e = estimates_create();

		repeat(e, cases[i].builds, "torch", "8.6", 10, 0);
		learn_built(e, "torch", "8.6", cases[i].odd, 0);
		assert_between(cases[i].low, get_minutes(e, "torch", "8.6", 0), cases[i].high);
		estimates_destroy(e);
	}
}

/* The spread becomes that of the package itself. */
static void noise_is_learnt(void **state)
{
	struct estimates *e = estimates_create();

	(void)state;
	for (int i = 0; i < 100; i++) {
		learn_built(e, "steady", "", 10, 0);
		learn_built(e, "wild", "", i % 2 ? 5 : 20, 0);
	}
	assert_between(0.05, get(e, "steady", "", 0).sigma, 0.2);
	assert_between(0.5, get(e, "wild", "", 0).sigma, 0.9);
	estimates_destroy(e);
}

static void a_new_version_inherits_with_more_spread(void **state)
{
	static const struct {
		const char *set, *version;
		bool is_new;
	} cases[] = {
		{ "8.6", "2.5", false },
		{ "8.6", NULL, false },
		{ "8.6", "", false },
		{ "8.6", "2.6", true },
		{ "8.9", "2.5", false }, /* Built so for another set. */
		{ "8.9", "2.6", true },
	};
	struct estimates *e = estimates_create();
	struct estimate_sample sample = sample_of("torch", "8.6", 10, 0);

	(void)state;
	sample.version = "2.5";
	for (int i = 0; i < 5; i++)
		estimates_learn(e, &sample);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimate_key key = { "torch", cases[i].set, "x86_64-linux" };
		struct estimate plain, est;

		estimates_get(e, &key, NULL, 0, &plain);
		estimates_get(e, &key, cases[i].version, 0, &est);
		assert_true(est.mu == plain.mu);
		if (cases[i].is_new)
			assert_true(est.sigma > plain.sigma * 1.05);
		else
			assert_true(est.sigma == plain.sigma);
	}

	/* Once built, the new version counts more than the old one's builds. */
	sample.version = "2.6";
	sample.wall_ms = 20 * MINUTE;
	estimates_learn(e, &sample);
	estimates_learn(e, &sample);
	estimates_learn(e, &sample);
	assert_between(14.5, get_minutes(e, "torch", "8.6", 0), 20);
	estimates_destroy(e);
}

/* What did not end well is only a lower bound. */
static void failures_only_raise(void **state)
{
	static const struct {
		int builds; /* Of ten minutes, before it. */
		double minutes;
		double low, high; /* Of what the median becomes, over what it was. */
	} cases[] = {
		{ 0, 0.1, 1, 1 },
		{ 0, 5, 1, 1 },
		{ 0, 600, 20, 120 }, /* It was ten, as far as anybody knew. */
		{ 3, 0.1, 1, 1 },
		{ 3, 9, 1, 1 },
		{ 3, 600, 1.01, 1.5 },
		{ 16, 600, 1.001, 1.2 },
	};
	static const enum estimate_outcome outcomes[] = { ESTIMATE_FAILED, ESTIMATE_STOPPED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
		struct estimates *e = estimates_create();
		struct estimate_sample sample = sample_of("torch", "8.6", cases[i / 2].minutes, 0);
		struct estimate before, after;

		repeat(e, cases[i / 2].builds, "torch", "8.6", 10, 0);
		before = get(e, "torch", "8.6", 0);
		sample.outcome = outcomes[i % 2];
		for (int j = 0; j < 5; j++) /* Any number of them is one. */
			estimates_learn(e, &sample);
		after = get(e, "torch", "8.6", 0);
		assert_int_equal(after.basis, before.basis);
		assert_int_equal(after.n, before.n);
		assert_between(
			cases[i / 2].low, exp(after.mu - before.mu), cases[i / 2].high * 1.000001);
		estimates_destroy(e);
	}
}

static void the_highest_bound_counts(void **state)
{
	struct estimates *e = estimates_create();
	struct estimate_sample stopped = sample_of("torch", "8.6", 100, 0);
	double before;

	(void)state;
	repeat(e, 3, "torch", "8.6", 10, 0);
	stopped.outcome = ESTIMATE_STOPPED;
	estimates_learn(e, &stopped);
	before = get_minutes(e, "torch", "8.6", 0);
	stopped.wall_ms = (int64_t)(before * 1.01 * (double)MINUTE);
	estimates_learn(e, &stopped);
	assert_between(before, get_minutes(e, "torch", "8.6", 0), before * 1.0001);
	estimates_destroy(e);
}

static void a_build_that_ends_is_better_than_a_bound(void **state)
{
	struct estimates *e = estimates_create();
	struct estimate_sample stopped = sample_of("torch", "8.6", 600, 0);

	(void)state;
	stopped.outcome = ESTIMATE_STOPPED;
	estimates_learn(e, &stopped);
	learn_built(e, "torch", "8.6", 20, 0);
	assert_between(19, get_minutes(e, "torch", "8.6", 0), 21);
	estimates_destroy(e);
}

static void costs_are_in_time_of_a_builder_of_speed_1(void **state)
{
	static const struct {
		double speed, minutes; /* Ten minutes there cost so much. */
	} cases[] = { { 1, 10 }, { 0, 10 }, { -1, 10 }, { NAN, 10 }, { 2, 20 }, { 0.5, 5 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimates *e = estimates_create();
		struct estimate_sample sample = sample_of("torch", "8.6", 10, 0);

		sample.speed = cases[i].speed;
		for (int j = 0; j < 10; j++)
			estimates_learn(e, &sample);
		assert_between(cases[i].minutes * 0.98, get_minutes(e, "torch", "8.6", 0),
			cases[i].minutes * 1.02);
		estimates_destroy(e);
	}
}

static void learn_on(struct estimates *e, const char *builder, const char *package, double minutes)
{
	struct estimate_sample sample = sample_of(package, "8.6", minutes, 0);

	sample.builder = builder;
	estimates_learn(e, &sample);
}

/* "slow" takes twice as long as it says. Once that is known, a package that it builds gets no more
 * expensive. */
static void a_slow_builder_is_no_dear_package(void **state)
{
	struct estimates *e = estimates_create();
	double before, fast, slow;

	(void)state;
	for (int i = 0; i < 200; i++) {
		char name[] = { 'p', (char)('a' + i / 2 % 10), '\0' };

		learn_on(e, i % 2 ? "slow" : "fast", name, i % 2 ? 20 : 10);
	}
	fast = estimates_builder_factor(e, "fast");
	slow = estimates_builder_factor(e, "slow");
	assert_between(1.8, slow / fast, 2.05);
	assert_between(0.9, slow * fast, 1.1); /* 1 on average. */
	for (int i = 0; i < 10; i++)
		learn_on(e, "fast", "torch", 100);
	before = get_minutes(e, "torch", "8.6", 0);
	assert_between(95, before * fast, 105);
	for (int i = 0; i < 10; i++)
		learn_on(e, "slow", "torch", 200);
	assert_between(0.9 * before, get_minutes(e, "torch", "8.6", 0), 1.1 * before);
	assert_true(estimates_builder_factor(e, "unknown") == 1);
	assert_true(estimates_builder_factor(e, NULL) == 1);
	estimates_destroy(e);
}

struct heard {
	char names[64];
	size_t n;
};

static void note_builder(void *owner, const char *builder, size_t n)
{
	struct heard *heard = owner;

	(void)strcat(strcat(heard->names, builder), " ");
	heard->n += n;
}

static void builders_in_the_order_in_which_they_came(void **state)
{
	struct estimates *e = estimates_create();
	struct heard heard = { .n = 0 };

	(void)state;
	estimates_each_builder(e, note_builder, &heard);
	assert_int_equal(heard.n, 0);
	for (int i = 0; i < 30; i++)
		learn_on(e, i < 20 ? "zeus" : "ares", "torch", 10);
	estimates_each_builder(e, note_builder, &heard);
	assert_string_equal(heard.names, "zeus ares ");
	assert_in_range(heard.n, 25, 30); /* Later ones count more. */
	estimates_destroy(e);
}

/* When all builds take longer, it is the builds. */
static void one_builder_alone_is_as_fast_as_it_says(void **state)
{
	struct estimates *e = estimates_create();

	(void)state;
	for (int i = 0; i < 50; i++)
		learn_on(e, "only", "torch", i < 25 ? 10 : 20);
	assert_true(estimates_builder_factor(e, "only") == 1);
	assert_between(19, get_minutes(e, "torch", "8.6", 0), 21);
	estimates_destroy(e);
}

static void sets_that_make_no_difference_are_pooled(void **state)
{
	struct estimate_key of_86 = { "cmake", "8.6", "x86_64-linux" };
	struct estimate_key of_all = { "cmake", ALL, "x86_64-linux" };
	struct estimate_key of_90 = { "cmake", "9.0", "x86_64-linux" };
	struct estimates *e = estimates_create();
	struct estimate est;

	(void)state;
	repeat(e, 5, "cmake", "8.6", 10, 0);
	estimates_saw(e, &of_86, 1, 111, 0);
	assert_int_equal(get(e, "cmake", ALL, 0).basis, ESTIMATE_OTHER_SETS);
	estimates_saw(e, &of_all, 2, 111, 0); /* Of another revision: says nothing. */
	assert_int_equal(get(e, "cmake", ALL, 0).basis, ESTIMATE_OTHER_SETS);
	estimates_saw(e, &of_all, 1, 111, 0);
	est = get(e, "cmake", ALL, 0);
	assert_int_equal(est.basis, ESTIMATE_SET);
	assert_int_equal(est.n, 5);
	assert_between(9.5, estimate_median(&est) / MINUTE, 10.5);
	assert_true(est.sigma < 0.4);
	learn_built(e, "cmake", ALL, 10, 0); /* One history, whoever built it. */
	assert_int_equal(get(e, "cmake", "8.6", 0).n, 6);

	estimates_saw(e, &of_all, 3, 333, 0);
	estimates_saw(e, &of_86, 3, 332, 0); /* Now they differ. */
	assert_int_equal(get(e, "cmake", "8.6", 0).n, 5);
	estimates_saw(e, &of_90, 3, 333, 0); /* Two of three are the same: it matters still. */
	assert_int_equal(get(e, "cmake", "8.6", 0).n, 5);
	estimates_destroy(e);
}

static void medians_of_what_is_used_beside_time(void **state)
{
	static const struct {
		const char *set;
		int64_t core_minutes, memory, output;
	} samples[] = {
		{ "8.6", 40, 1000, 50 },
		{ "8.6", 20, -1, -1 },
		{ "8.6", 30, 3000, 0 },
		{ "8.6", -1, 2000, -1 },
		{ ALL, 80, -1, 400 },
		{ "8.9", -1, -1, -1 },
	};
	static const struct {
		const char *set;
		double cores;
		int64_t memory, output;
	} cases[] = {
		{ "8.6", 3, 2000, 50 },
		{ "8.9", 3, 2000, 50 }, /* Built, but not known: the nearest. */
		{ ALL, 8, 2000, 400 },  /* Each for itself. */
		{ "9.0", 3, 2000, 50 },
	};
	struct estimates *e = estimates_create();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct estimate_sample sample = sample_of("torch", samples[i].set, 10, 0);

		if (i == 0) { /* The nearest set, but another system. */
			sample.key = (struct estimate_key){ "torch", "9.0", "aarch64-linux" };
			sample.core_ms = sample.peak_memory_bytes = sample.output_bytes = 1;
			estimates_learn(e, &sample);
			sample.key =
				(struct estimate_key){ "torch", samples[i].set, "x86_64-linux" };
		}
		sample.core_ms = samples[i].core_minutes * MINUTE;
		sample.peak_memory_bytes = samples[i].memory;
		sample.output_bytes = samples[i].output;
		estimates_learn(e, &sample);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct estimate est = get(e, "torch", cases[i].set, 0);

		assert_between(cases[i].cores * 0.999, est.cores, cases[i].cores * 1.001);
		assert_int_equal(est.peak_memory_bytes, cases[i].memory);
		assert_int_equal(est.output_bytes, cases[i].output);
	}
	estimates_destroy(e);
}

static void nonsense_does_no_harm(void **state)
{
	static const int64_t walls[] = { INT64_MIN, -1, 0, 1, INT64_MAX };
	static const int64_t times[] = { INT64_MAX, INT64_MIN, 0 };
	static const double speeds[] = { 1e300, 1e-300, INFINITY, -INFINITY, NAN };
	struct estimates *e = estimates_create();

	(void)state;
	for (size_t i = 0; i < 5 * 3 * 5; i++) {
		struct estimate_sample sample = sample_of("torch", ",,,,+PTX,", 0, 0);
		struct estimate est;

		sample.wall_ms = walls[i % 5];
		sample.at_ms = times[i / 5 % 3];
		sample.speed = speeds[i / 15];
		sample.core_ms = sample.peak_memory_bytes = sample.output_bytes = walls[i % 5];
		estimates_learn(e, &sample);
		estimates_get(e, &sample.key, NULL, times[(i + 1) % 3], &est);
		assert_true(isfinite(est.mu) && isfinite(est.sigma) && est.sigma > 0);
	}
	estimates_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rests_on_the_best_that_is_known),
		cmocka_unit_test(knows_something_before_the_first_build),
		cmocka_unit_test(growth_is_learnt_from_other_packages),
		cmocka_unit_test(differences_between_sets_are_learnt),
		cmocka_unit_test(differences_between_sets_do_not_last),
		cmocka_unit_test(the_latest_count_most),
		cmocka_unit_test(what_is_old_is_less_sure),
		cmocka_unit_test(one_outlier_spoils_nothing),
		cmocka_unit_test(noise_is_learnt),
		cmocka_unit_test(a_new_version_inherits_with_more_spread),
		cmocka_unit_test(failures_only_raise),
		cmocka_unit_test(the_highest_bound_counts),
		cmocka_unit_test(a_build_that_ends_is_better_than_a_bound),
		cmocka_unit_test(costs_are_in_time_of_a_builder_of_speed_1),
		cmocka_unit_test(a_slow_builder_is_no_dear_package),
		cmocka_unit_test(builders_in_the_order_in_which_they_came),
		cmocka_unit_test(one_builder_alone_is_as_fast_as_it_says),
		cmocka_unit_test(sets_that_make_no_difference_are_pooled),
		cmocka_unit_test(medians_of_what_is_used_beside_time),
		cmocka_unit_test(nonsense_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
