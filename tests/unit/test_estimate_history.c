/* What estimates remember: the same calls give the same, and memory is bounded. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "sched/estimate_builders.h"
#include "sched/estimate_history.h"
#include "tests/support/estimate_case.h"

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static const char *const packages[] = { "torch", "magma", "cmake", "jax", "vllm", "nccl" };
static const char *const sets[] = { "", "8.6", "8.9", "8.6+PTX", "8.0,8.6", "7.5,8.0,8.6,9.0" };
static const char *const systems[] = { "x86_64-linux", "aarch64-linux" };
static const char *const versions[] = { NULL, "1.0", "1.1" };
static const char *const builders[] = { NULL, "a", "b" };

#define PICK(array, random) (array)[next_random(random) % ARRAY_LEN(array)]

/* Call number `i`: always the same one. */
static void make_call(struct estimates *e, uint64_t i)
{
	uint64_t random = i * 7919 + 1;
	struct estimate_sample sample = {
		.key = { PICK(packages, &random), PICK(sets, &random), PICK(systems, &random) },
		.version = PICK(versions, &random),
		.outcome = next_random(&random) % 10 == 0 ? ESTIMATE_FAILED : ESTIMATE_BUILT,
		.at_ms = (int64_t)i * 10 * MINUTE,
		.wall_ms = 1000 + (int64_t)(next_random(&random) % 10000000),
		.core_ms = (int64_t)(next_random(&random) % 10000000),
		.peak_memory_bytes = (int64_t)(next_random(&random) % 10000000),
		.output_bytes = -1,
		.builder = PICK(builders, &random),
		.speed = 1 + (double)(next_random(&random) % 3),
	};

	if (i % 7 == 0)
		estimates_saw(e, &sample.key, i / 100, next_random(&random) % 3, sample.at_ms);
	else
		estimates_learn(e, &sample);
}

static void get_all(const struct estimates *e, int64_t now_ms,
	struct estimate out[ARRAY_LEN(packages)][ARRAY_LEN(sets)][ARRAY_LEN(systems)])
{
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		for (size_t j = 0; j < ARRAY_LEN(sets); j++)
			for (size_t k = 0; k < ARRAY_LEN(systems); k++) {
				struct estimate_key key = { packages[i], sets[j], systems[k] };

				estimates_get(e, &key, "1.1", now_ms, &out[i][j][k]);
			}
}

/* Online, with questions between the calls, and at once, as after a restart. */
static void the_same_calls_give_the_same_answers(void **state)
{
	static struct estimate online[ARRAY_LEN(packages)][ARRAY_LEN(sets)][ARRAY_LEN(systems)];
	static struct estimate rebuilt[ARRAY_LEN(packages)][ARRAY_LEN(sets)][ARRAY_LEN(systems)];
	struct estimates *e = estimates_create();

	(void)state;
	for (uint64_t n = 1; n <= 2000; n++) {
		make_call(e, n);
		if (n % 500 == 0) {
			struct estimates *again = estimates_create();

			for (uint64_t i = 1; i <= n; i++)
				make_call(again, i);
			get_all(e, (int64_t)n * 20 * MINUTE, online);
			get_all(again, (int64_t)n * 20 * MINUTE, rebuilt);
			assert_memory_equal(online, rebuilt, sizeof online);
			for (size_t i = 0; i < ARRAY_LEN(builders); i++)
				assert_true(estimates_builder_factor(e, builders[i]) ==
					    estimates_builder_factor(again, builders[i]));
			estimates_destroy(again);
		}
	}
	estimates_destroy(e);
}

static void what_was_not_used_for_the_longest_is_forgotten(void **state)
{
	struct estimates *e = estimates_create();
	size_t most = 0;
	char name[20];

	(void)state;
	for (size_t i = 0; i < HISTORY_SETS * 3 / 2; i++) {
		(void)snprintf(name, sizeof name, "p%zu", i);
		learn_built(e, name, "8.6", 1 + (double)(i % 100), 1);
		if (i % 1000 == 0)
			learn_built(e, "kept", "8.6", 30, 1);
		if (estimates_n_packages(e) > most)
			most = estimates_n_packages(e);
	}
	assert_true(most <= HISTORY_SETS);
	assert_true(estimates_n_packages(e) > HISTORY_SETS * 3 / 4);
	assert_int_equal(get(e, "p0", "8.6", 1).basis, ESTIMATE_EVERYTHING);
	assert_int_equal(get(e, "kept", "8.6", 1).basis, ESTIMATE_SET);
	assert_int_equal(get(e, name, "8.6", 1).basis, ESTIMATE_SET);
	/* What everything is like still follows from those that are left, and from no others. */
	assert_int_equal(get(e, "p0", "8.6", 1).n, estimates_n_packages(e));
	assert_true(get_minutes(e, "p0", "8.6", 1) > 30 && get_minutes(e, "p0", "8.6", 1) < 45);
	estimates_destroy(e);
}

static void a_package_remembers_so_many_sets(void **state)
{
	struct estimates *e = estimates_create();
	char set[20];

	(void)state;
	for (unsigned i = 0; i < HISTORY_PACKAGE_SETS + 5; i++) {
		(void)snprintf(set, sizeof set, "%u.0", i + 1);
		learn_built(e, "torch", set, 10, 1);
		learn_built(e, "torch", "1.0", 10, 1);
	}
	assert_int_equal(get(e, "torch", "1.0", 1).basis, ESTIMATE_SET);
	assert_int_equal(get(e, "torch", "2.0", 1).basis, ESTIMATE_OTHER_SETS);
	assert_int_equal(get(e, "torch", set, 1).basis, ESTIMATE_SET);
	assert_int_equal(get(e, "torch", set, 1).n, 1);
	assert_int_equal(get(e, "torch", "1.0", 1).n, HISTORY_BUILDS);
	estimates_destroy(e);
}

/* They take each other's places, and nobody else's. */
static void a_package_with_many_sets_displaces_no_other(void **state)
{
	struct estimates *e = estimates_create();
	char set[20];

	(void)state;
	learn_built(e, "cmake", "", 10, 1);
	for (size_t i = 0; i < HISTORY_SETS * 2; i++) {
		struct estimate_key key = { "torch", set, "x86_64-linux" };

		(void)snprintf(set, sizeof set, "%zu.0", i);
		estimates_saw(e, &key, i, i, DAY);
	}
	assert_int_equal(get(e, "cmake", "", 1).basis, ESTIMATE_SET);
	estimates_destroy(e);
}

static void so_many_builders_are_remembered(void **state)
{
	struct builder_records records = { 0 };
	char name[20];

	(void)state;
	for (unsigned i = 0; i < BUILDERS_MAX + 1; i++) {
		(void)snprintf(name, sizeof name, "b%u", i);
		builder_records_learn(&records, "b0", -1);
		builder_records_learn(&records, name, 1);
	}
	assert_int_equal(records.n, BUILDERS_MAX);
	assert_true(builder_records_ln_factor(&records, "b0") < 0);
	assert_true(builder_records_ln_factor(&records, "b1") == 0); /* Forgotten. */
	assert_true(builder_records_ln_factor(&records, name) > 0);
	builder_records_finish(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_calls_give_the_same_answers),
		cmocka_unit_test(what_was_not_used_for_the_longest_is_forgotten),
		cmocka_unit_test(a_package_remembers_so_many_sets),
		cmocka_unit_test(a_package_with_many_sets_displaces_no_other),
		cmocka_unit_test(so_many_builders_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
