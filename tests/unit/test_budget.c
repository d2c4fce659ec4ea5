/* Who gets memory. */
#include "tests/support/cmocka_all.h"

#include "push/budget.h"

static void there_is_as_much_as_there_is(void **state)
{
	struct budget budget = { .size = 100 };

	(void)state;
	assert_true(budget_take(&budget, 60));
	assert_true(budget_take(&budget, 40));
	assert_false(budget_take(&budget, 1));
	budget_give(&budget, 60);
	assert_false(budget_take(&budget, 61));
	assert_true(budget_take(&budget, 60));
}

/* Something larger than the budget gets its turn when nobody else has anything. */
static void a_budget_that_is_too_small(void **state)
{
	struct budget budget = { .size = 100 };

	(void)state;
	assert_true(budget_take(&budget, 1));
	assert_false(budget_take(&budget, 200));
	budget_give(&budget, 1);
	assert_true(budget_take(&budget, 200));
	assert_false(budget_take(&budget, 1));
	budget_give(&budget, 200);
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_as_much_as_there_is),
		cmocka_unit_test(a_budget_that_is_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
