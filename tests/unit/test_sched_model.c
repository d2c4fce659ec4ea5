/* The schedule against the slow, obvious one of tests/support/sched_model.h: random operations, the
 * same at every run. tests/fuzz/fuzz_sched.c draws them from libFuzzer's bytes instead. */
#include "tests/support/cmocka_all.h"

#include "lib/mem.h"
#include "lib/str.h"
#include "tests/support/sched_model.h"

#define SEEDS 1000
#define STEPS 400

static void it_decides_as_the_model_does(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct model_draws draws = { .random = seed * UINT64_C(0x9E3779B97F4A7C15) };
		cleanup_free char *name = str_format("seed %u", seed);

		model_run(&draws, STEPS, name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_decides_as_the_model_does) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
