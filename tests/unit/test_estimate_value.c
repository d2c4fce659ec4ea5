/* What one estimate says. */
#include "tests/support/cmocka_all.h"

#include <math.h>

#include "lib/mem.h"
#include "sched/estimate.h"
#include "sched/normal.h"

#define MU 13.0

static void assert_near(double x, double wanted, double tolerance)
{
	if (!(fabs(x - wanted) <= tolerance * fmax(1, fabs(wanted))))
		fail_msg("%.17g is not %.17g", x, wanted);
}

/* Computed with 60 digits. */
static void normal_distribution(void **state)
{
	static const struct {
		double z, log_upper;
	} tails[] = {
		{ 0, -0.69314718055994531 },
		{ 5, -15.064998393988726 },
		{ 10, -53.231285150512471 },
		{ 29, -424.78741990973016 },
		{ 31, -484.85396362717929 },
		{ 40, -804.60844201375379 },
		{ 1000, -500007.82669481218 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tails); i++)
		assert_near(normal_log_upper(tails[i].z), tails[i].log_upper, 1e-9);
	assert_near(normal_mean_above(0), 0.79788456080286536, 1e-12);
	assert_near(normal_mean_above(100), 100.0099980, 1e-6);
}

static void quantiles(void **state)
{
	struct estimate est = { .mu = MU, .sigma = 0.3 };
	double before = 0;

	(void)state;
	assert_near(estimate_median(&est), exp(MU), 1e-12);
	assert_near(estimate_quantile(&est, 0.5), exp(MU), 1e-9);
	for (double p = 0.01; p < 1; p += 0.01) {
		double ms = estimate_quantile(&est, p);

		assert_true(ms > before);
		before = ms;
		/* As far below the median as 1 - p is above it. */
		assert_near(log(ms) + log(estimate_quantile(&est, 1 - p)), 2 * MU, 1e-9);
	}
	/* Near the normal distribution's at p90, further out beyond. */
	assert_near(log(estimate_quantile(&est, 0.9)), MU + 0.3 * 1.2816, 0.01);
	assert_true(estimate_quantile(&est, 0.999) > exp(MU + 0.3 * 3.3));
	est.mu = 1000;
	assert_true(isfinite(estimate_median(&est)) && isfinite(estimate_quantile(&est, 0.9)));
}

/* The rest of a build that has got as far as the quantile q: P(cost > end) = (1 - p) (1 - q). */
static void remaining_is_the_distribution_above(void **state)
{
	static const double ps[] = { 0.1, 0.5, 0.75, 0.9, 0.99 };
	struct estimate est = { .mu = MU, .sigma = 0.3 };

	(void)state;
	for (double q = 0.05; q < 1; q += 0.05)
		for (size_t i = 0; i < ARRAY_LEN(ps); i++) {
			double elapsed = estimate_quantile(&est, q);
			double end = estimate_quantile(&est, 1 - (1 - ps[i]) * (1 - q));

			assert_near(elapsed + estimate_remaining(&est, elapsed, ps[i]), end, 1e-6);
		}
}

static void remaining_has_an_answer_everywhere(void **state)
{
	static const double sigmas[] = { 0.05, 0.3, 1.5, 4 };
	static const double elapsed[] = { -1, 0, 0.5, 1, 1e3, 1e5, 1e6, 1e7, 1e9, 1e12, 1e15 };

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(sigmas); s++) {
		struct estimate est = { .mu = MU, .sigma = sigmas[s] };
		double end_before = 0;

		assert_near(estimate_remaining(&est, 0, 0.5), exp(MU), 1e-9);
		for (size_t i = 0; i < ARRAY_LEN(elapsed); i++) {
			double p50 = estimate_remaining(&est, elapsed[i], 0.5);
			double p90 = estimate_remaining(&est, elapsed[i], 0.9);

			assert_true(p50 >= 1 && p50 <= 1e15);
			assert_true(p90 > p50 || p90 == 1e15); /* As long as anything gets. */
			assert_true(fmax(0, elapsed[i]) + p50 >= end_before * (1 - 1e-9));
			end_before = fmax(0, elapsed[i]) + p50;
		}
		/* Far over time the rest grows again: it is not nearly done, it was misjudged. */
		assert_true(estimate_remaining(&est, exp(MU + 8), 0.5) >
			    estimate_remaining(&est, exp(MU + 4), 0.5));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_distribution),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(remaining_is_the_distribution_above),
		cmocka_unit_test(remaining_has_an_answer_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
