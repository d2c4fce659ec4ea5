/* The table of failures: every class, its name, and what follows from it. */
#include "tests/support/cmocka_all.h"

#include "lib/failure.h"
#include "lib/mem.h"

#define S INT64_C(1000)
#define M (60 * S)

/* Written out a second time on purpose: a change of policy is to be seen in two places. */
static const struct {
	enum failure class;
	const char *name;
	bool is_remembered;
	int retries;
	int64_t waits[12]; /* After the first failure, the second, ... as far as they differ. */
} cases[] = {
	{ FAILURE_NONE, "", false, 0, { -1 } },
	{ FAILURE_EVALUATION, "evaluation", true, 0, { -1 } },
	{ FAILURE_BUILD, "build", true, 0, { -1 } },
	{ FAILURE_DEPENDENCY, "dependency", false, 0, { -1 } },
	{ FAILURE_TIMEOUT, "timeout", false, 0, { -1 } },
	{ FAILURE_SILENCE, "silence", false, 0, { -1 } },
	{ FAILURE_OUT_OF_MEMORY, "out of memory", false, 1, { 5 * M, -1 } },
	{ FAILURE_DISK_FULL, "disk full", false, 6,
		{ 2 * M, 4 * M, 8 * M, 16 * M, 30 * M, 30 * M, -1 } },
	{ FAILURE_NETWORK, "network", false, 4, { 20 * S, 60 * S, 180 * S, 540 * S, -1 } },
	{ FAILURE_HASH_MISMATCH, "hash mismatch", true, 0, { -1 } },
	{ FAILURE_WRONG_SYSTEM, "wrong system", false, 0, { -1 } },
	{ FAILURE_INTERRUPTED, "interrupted", false, 5,
		{ 1 * S, 4 * S, 16 * S, 64 * S, 256 * S, -1 } },
	{ FAILURE_VERIFY, "verify", true, 0, { -1 } },
	{ FAILURE_PUSH, "push", false, 40,
		{ 5 * S, 10 * S, 20 * S, 40 * S, 80 * S, 160 * S, 320 * S, 640 * S, 1280 * S,
			30 * M, 30 * M, 30 * M } },
	{ FAILURE_UNSUPPORTED, "unsupported", false, 0, { -1 } },
	{ FAILURE_CANCELLED, "cancelled", false, 0, { -1 } },
};

static void every_class_has_its_row(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_LEN(cases), FAILURE_CLASSES);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cases[i].class, i);
}

static void names_go_both_ways(void **state)
{
	enum failure class;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(failure_name(cases[i].class), cases[i].name);
		class = FAILURE_CLASSES;
		assert_true(failure_from_name(cases[i].name, &class));
		assert_int_equal(class, cases[i].class);
	}
	assert_true(failure_from_name(NULL, &class));
	assert_int_equal(class, FAILURE_NONE);
	class = FAILURE_PUSH;
	assert_false(failure_from_name("Push", &class));
	assert_false(failure_from_name("pushed", &class));
	assert_int_equal(class, FAILURE_PUSH);
}

static void what_is_remembered_is_not_tried_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct failure_policy *policy = failure_policy(cases[i].class);

		assert_int_equal(policy->is_remembered, cases[i].is_remembered);
		assert_int_equal(policy->retries, cases[i].retries);
		assert_false(policy->is_remembered && policy->retries > 0);
	}
}

static void waits_grow_up_to_their_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int tries = 1; tries <= cases[i].retries + 1 && tries <= 12; tries++)
			assert_int_equal(
				failure_wait_ms(cases[i].class, tries), cases[i].waits[tries - 1]);
	assert_int_equal(failure_wait_ms(FAILURE_PUSH, 40), 30 * M);
	assert_int_equal(failure_wait_ms(FAILURE_PUSH, 41), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_has_its_row),
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(what_is_remembered_is_not_tried_again),
		cmocka_unit_test(waits_grow_up_to_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
