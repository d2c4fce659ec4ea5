/* What history teaches, as the pipeline hands it to the estimates. */
#include "tests/support/cmocka_all.h"

#include "daemon/pipeline/costs.h"
#include "daemon/store/attempt.h"
#include "sched/estimate.h"
#include "tests/support/pipeline_case.h"

#define HASH "0sx6fv8gsbsxaamm8w6anry51li8v267"

static struct estimate estimate_of(const struct pipeline_case *c, const char *name)
{
	const struct costed costed = {
		.package = "torch", .name = name, .caps = "8.6", .system = "x86_64-linux"
	};
	struct estimate estimate;

	costs_of(c->p, &costed, &estimate);
	return estimate;
}

static void learn(const struct pipeline_case *c, const char *drv_path)
{
	for (int i = 0; i < 4; i++) {
		const struct history_entry entry = {
			.drv_path = drv_path,
			.package = "torch",
			.system = "x86_64-linux",
			.caps = "8.6",
			.machine = "",
			.builder = "local",
			.started_at = i,
			.wall_ms = 60000,
			.core_ms = -1,
			.output_bytes = -1,
			.outcome = "built",
		};

		costs_learn(c->p, &entry);
	}
}

/* The version stands in the derivation's name before its ".drv". */
static void a_version_that_was_built_is_known(void **state)
{
	const struct pipeline_case *c = *state;

	learn(c, "/nix/store/" HASH "-torch-2.5.1.drv");
	assert_int_equal(estimate_of(c, "torch-2.5.1").basis, ESTIMATE_SET);
	assert_true(estimate_of(c, "torch-2.5.1").sigma < estimate_of(c, "torch-2.6.0").sigma);
}

/* A row that somebody put into the data base: its time counts, and its version is not known. */
static void what_is_no_store_path_has_no_version(void **state)
{
	const struct pipeline_case *c = *state;

	learn(c, "-");
	assert_int_equal(estimate_of(c, "torch-2.5.1").basis, ESTIMATE_SET);
	assert_true(estimate_of(c, "torch-2.5.1").sigma == estimate_of(c, "torch-2.6.0").sigma);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, pipeline_case_setup, pipeline_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_version_that_was_built_is_known),
		TEST(what_is_no_store_path_has_no_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
