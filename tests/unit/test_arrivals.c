/* Who wanted which build first, and in which order builds arrived. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/stats/arrivals.h"
#include "lib/str.h"

/* " build:job@time" of each, in order. */
static void assert_order(struct arrivals *a, int64_t since_ms, const char *wanted)
{
	cleanup_str struct str got = { 0 };

	arrivals_order(a, since_ms);
	for (size_t i = 0; i < arrivals_n(a); i++) {
		const struct arrival *x = arrivals_at(a, i);

		str_addf(&got, " %" PRId64 ":%" PRId64 "@%" PRId64, x->build_id, x->job_id,
			x->at_ms);
	}
	assert_string_equal(str_text(&got), wanted);
	arrivals_destroy(a);
}

static struct arrivals *with_builds(int64_t n)
{
	struct arrivals *a = arrivals_create();

	for (int64_t id = 1; id <= n; id++)
		arrivals_add_build(a, id, 900, 1000 + id);
	return a;
}

/* 1 is needed by 2 and 3, 2 by 4. */
static struct arrivals *with_needs(void)
{
	struct arrivals *a = with_builds(4);

	arrivals_add_need(a, 2, 1);
	arrivals_add_need(a, 3, 1);
	arrivals_add_need(a, 4, 2);
	return a;
}

static void what_is_needed_arrives_with_the_first_who_wants_it(void **state)
{
	struct arrivals *a = with_needs();

	(void)state;
	arrivals_add_job(a, 10, 4, 500, 0);
	arrivals_add_job(a, 11, 3, 300, 0);
	assert_order(a, 0, " 1:10@300 3:11@300 2:10@500 4:10@500");
}

static void the_heaviest_owns_it(void **state)
{
	struct arrivals *a = with_needs();

	(void)state;
	arrivals_add_job(a, 10, 4, 300, 0);
	arrivals_add_job(a, 11, 3, 500, 5);
	arrivals_add_job(a, 12, 3, 600, 5);
	arrivals_add_job(a, 13, 2, 700, -5);
	assert_order(a, 0, " 1:11@300 2:10@300 4:10@300 3:11@500");
}

/* It stands in a later row, but was needed: the order of ids says nothing. */
static void needs_come_before_dependents(void **state)
{
	struct arrivals *a = with_builds(3);

	(void)state;
	arrivals_add_need(a, 1, 2);
	arrivals_add_need(a, 2, 3);
	arrivals_add_job(a, 7, 1, 100, 0);
	assert_order(a, 0, " 3:7@100 2:7@100 1:7@100");
}

/* As the schedule takes them when there is nothing else to tell them apart. */
static void of_one_moment_they_come_by_their_ids(void **state)
{
	struct arrivals *a = with_builds(5);

	(void)state;
	arrivals_add_need(a, 2, 5);
	for (int64_t id = 1; id <= 4; id++)
		arrivals_add_job(a, id, 5 - id, 100, 0);
	assert_order(a, 0, " 5:3@100 1:4@100 2:3@100 3:2@100 4:1@100");
}

/* A build that was never built wants all the same what it needs. */
static void what_was_not_built_is_left_out(void **state)
{
	struct arrivals *a = arrivals_create();

	(void)state;
	arrivals_add_build(a, 5, 900, 60);
	arrivals_add_build(a, 6, 900, -1);
	arrivals_add_build(a, 7, 900, 0);
	arrivals_add_need(a, 6, 5);
	arrivals_add_need(a, 6, 99); /* There is none. */
	arrivals_add_job(a, 1, 6, 100, 0);
	arrivals_add_job(a, 2, 99, 100, 0);
	arrivals_order(a, 0);
	assert_true(arrivals_has(a, 5));
	assert_false(arrivals_has(a, 6));
	assert_true(arrivals_has(a, 7));
	assert_false(arrivals_has(a, 99));
	assert_int_equal(arrivals_at(a, 0)->job_id, 1);
	assert_int_equal(arrivals_at(a, 0)->wall_ms, 60);
	assert_int_equal(arrivals_at(a, 1)->job_id, 0); /* Nobody: when it was entered. */
	assert_int_equal(arrivals_at(a, 1)->at_ms, 900);
	arrivals_destroy(a);
}

static void only_from_a_time_on(void **state)
{
	struct arrivals *a = with_needs();

	(void)state;
	arrivals_add_job(a, 10, 4, 500, 0);
	arrivals_add_job(a, 11, 3, 300, 0);
	arrivals_order(a, 500);
	assert_int_equal(arrivals_n(a), 2);
	assert_false(arrivals_has(a, 1));
	assert_true(arrivals_has(a, 2));
	arrivals_destroy(a);
}

static void nothing_at_all(void **state)
{
	struct arrivals *a = arrivals_create();

	(void)state;
	arrivals_order(a, 0);
	assert_int_equal(arrivals_n(a), 0);
	assert_false(arrivals_has(a, 1));
	arrivals_destroy(a);
	arrivals_destroy(NULL);
}

/* Whatever is needed by what, by whom it is wanted: no need comes behind its dependent. */
static void at_random_needs_come_first(void **state)
{
	enum { N = 300 };
	unsigned short seed[3] = { 1, 2, 3 };
	int64_t place[N + 1];

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct arrivals *a = with_builds(N);
		int64_t needs[N + 1] = { 0 };

		/* The odd need a smaller one, the even a larger one: no circles. */
		for (int64_t id = 1; id <= N; id++) {
			int64_t to = 1 + nrand48(seed) % N;

			if ((id % 2 == 0) != (to > id) || to == id || to % 2 != id % 2)
				continue;
			needs[id] = to;
			arrivals_add_need(a, id, to);
		}
		for (int64_t job = 1; job <= N / 3; job++)
			arrivals_add_job(a, job, 1 + nrand48(seed) % N, nrand48(seed) % 50,
				(int)(nrand48(seed) % 3));
		arrivals_order(a, 0);
		assert_int_equal(arrivals_n(a), N);
		for (size_t i = 0; i < N; i++)
			place[arrivals_at(a, i)->build_id] = (int64_t)i;
		for (size_t i = 1; i < N; i++)
			assert_true(arrivals_at(a, i - 1)->at_ms <= arrivals_at(a, i)->at_ms);
		for (int64_t id = 1; id <= N; id++)
			if (needs[id] != 0)
				assert_true(place[needs[id]] < place[id]);
		arrivals_destroy(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_arrives_with_the_first_who_wants_it),
		cmocka_unit_test(the_heaviest_owns_it),
		cmocka_unit_test(needs_come_before_dependents),
		cmocka_unit_test(of_one_moment_they_come_by_their_ids),
		cmocka_unit_test(what_was_not_built_is_left_out),
		cmocka_unit_test(only_from_a_time_on),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(at_random_needs_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
