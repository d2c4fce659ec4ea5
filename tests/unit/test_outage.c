/* Backing off from a service that does not answer. */
#include "tests/support/cmocka_all.h"

#include "daemon/pipeline/outage.h"

static void waits_grow_up_to_a_bound(void **state)
{
	static const int64_t waits[] = { 5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000 };
	struct outage outage = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		outage_note(&outage, 1000);
		assert_int_equal(outage.not_before_ms, 1000 + waits[i]);
	}
	for (int i = 0; i < 100; i++)
		outage_note(&outage, 1000);
	assert_int_equal(outage.not_before_ms, 301000);
}

static void who_may_try(void **state)
{
	struct outage outage = { 0 };

	(void)state;
	assert_true(outage_may_try(&outage, 0, 100));
	outage_note(&outage, 0);
	assert_false(outage_may_try(&outage, 4999, 0));
	assert_true(outage_may_try(&outage, 5000, 0));
	assert_false(outage_may_try(&outage, 5000, 1)); /* One asks for all. */
	outage_end(&outage);
	assert_true(outage_may_try(&outage, 0, 100));
	outage_note(&outage, 0); /* The next one begins anew. */
	assert_int_equal(outage.not_before_ms, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_up_to_a_bound),
		cmocka_unit_test(who_may_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
