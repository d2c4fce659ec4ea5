/* The schedule: whatever is done to it, it decides as the slow model of
 * tests/support/sched_model.h does. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/sched_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model_draws draws = { .bytes = data, .n = size };

	model_run(&draws, SIZE_MAX, "fuzz_sched");
	return 0;
}
