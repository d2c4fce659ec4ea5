/* A token bucket. */
#include "tests/support/cmocka_all.h"

#include "io/rate.h"

#define KIB 1024
#define SECOND INT64_C(1000000)

static void without_a_limit(void **state)
{
	struct rate rate;

	(void)state;
	rate_init(&rate, 0, 0);
	assert_int_equal(rate_take(&rate, 0, 1 << 30), 1 << 30);
	assert_int_equal(rate_take(&rate, 0, 1), 1);
}

/* Whoever asks at every moment gets the rate and a burst, no more and not much less. */
static void over_time(void **state)
{
	static const uint64_t rates[] = { 20 * KIB, 256 * KIB, 100 * KIB * KIB };

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		uint64_t sent = 0, quarter = rates[i] / 4;
		struct rate rate;

		rate_init(&rate, rates[i], 0);
		for (int64_t now = 0; now <= 10 * SECOND; now += SECOND / 1000)
			for (size_t more; (more = rate_take(&rate, now, 65536)) > 0;)
				sent += more;
		assert_in_range(sent, 10 * rates[i] - 16 * KIB,
			10 * rates[i] + (quarter > 16 * KIB ? quarter : 16 * KIB));
	}
}

static void a_rest_is_not_saved_for_ever(void **state)
{
	uint64_t sent = 0;
	struct rate rate;

	(void)state;
	rate_init(&rate, 256 * KIB, 0);
	for (size_t more; (more = rate_take(&rate, 3600 * SECOND, 16 * KIB)) > 0;)
		sent += more;
	assert_int_equal(sent, 64 * KIB);
}

/* After the wait that it names there is something. */
static void waiting(void **state)
{
	struct rate rate;
	uint64_t wait;

	(void)state;
	rate_init(&rate, 128 * KIB, 0);
	assert_int_equal(rate_take(&rate, 0, 16 * KIB), 16 * KIB);
	assert_int_equal(rate_take(&rate, 0, 16 * KIB), 16 * KIB);
	assert_int_equal(rate_take(&rate, 0, 16 * KIB), 0);
	wait = rate_wait_ms(&rate);
	assert_in_range(wait, 125, 127);
	assert_int_equal(rate_take(&rate, ((int64_t)wait - 10) * 1000, 16 * KIB), 0);
	assert_int_equal(rate_take(&rate, (int64_t)wait * 1000, 16 * KIB), 16 * KIB);
	assert_int_equal(rate_take(&rate, (int64_t)wait * 1000, 10), 10); /* A rest is taken too. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit),
		cmocka_unit_test(over_time),
		cmocka_unit_test(a_rest_is_not_saved_for_ever),
		cmocka_unit_test(waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
