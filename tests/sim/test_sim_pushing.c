/* How built things get into the cache when many want to, and when it is away. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "tests/sim/sim.h"
#include "tests/sim/world.h"

#define CACHE "cache: {name: toy, host: \"http://cache.test\"}\n"
#define ONE_SLOT "cache: {name: toy, host: \"http://cache.test\", max_jobs: 1}\n"
#define MINUTE 60000

static const struct world_package six[] = {
	{ .name = "a-1", .takes_ms = 10000 },
	{ .name = "b-1", .takes_ms = 10000 },
	{ .name = "c-1", .takes_ms = 10000 },
	{ .name = "d-1", .takes_ms = 10000 },
	{ .name = "e-1", .takes_ms = 10000 },
	{ .name = "f-1", .takes_ms = 10000 },
	{ 0 },
};

/* An outage is nobody's failure: everything is built meanwhile, one push asks now and then, ever
 * more seldom, and no build loses a try by it. Then all are pushed, each once. */
static void the_cache_is_away(void **state)
{
	(void)state;
	sim_begin(CACHE, six);
	sim_submit("a");
	sim_submit("b");
	sim_submit("c");
	sim_submit("d");
	sim_run(5000);
	world_take_cache_away(true);
	sim_run(20 * MINUTE);
	assert_int_equal(sim_job_state(1), JOB_PUSHING);
	assert_int_equal(sim_job_state(4), JOB_PUSHING); /* Built all the same. */
	assert_int_equal(world_most_pushes(), 1);
	world_take_cache_away(false);
	sim_run_to_end();
	for (int job = 1; job <= 4; job++)
		assert_int_equal(sim_job_state(job), JOB_DONE);
	assert_int_equal(world_n_built("a-1"), 1);
	sim_end("the_cache_is_away");
}

/* For longer than a build may be tried: 40 times in 20 hours or so. */
static void the_cache_is_away_for_days(void **state)
{
	(void)state;
	sim_begin(CACHE, six);
	sim_submit("a");
	sim_run(5000);
	world_take_cache_away(true);
	sim_run(40 * 60 * MINUTE);
	assert_int_equal(sim_job_state(1), JOB_PUSHING);
	world_take_cache_away(false);
	sim_run_to_end();
	assert_int_equal(sim_job_state(1), JOB_DONE);
	sim_end(NULL);
}

/* A restart asks at once. */
static void a_restart_during_an_outage(void **state)
{
	(void)state;
	sim_begin(CACHE, six);
	sim_submit("a");
	sim_run(5000);
	world_take_cache_away(true);
	sim_run(10 * MINUTE);
	world_take_cache_away(false);
	sim_restart();
	sim_run(5000);
	assert_int_equal(sim_job_state(1), JOB_DONE);
	assert_int_equal(world_n_built("a-1"), 1);
	sim_end(NULL);
}

/* There is one slot, and the cache is away until all are built: first the bumped one, then by
 * priority, then by age. */
static void who_matters_most_goes_first(void **state)
{
	(void)state;
	sim_begin(ONE_SLOT, six);
	sim_submit("a");
	sim_submit("b");
	sim_submit_urgently("c", 10);
	sim_submit_urgently("d", -5);
	sim_submit("e");
	sim_submit_urgently("f", 10);
	sim_run(5000);
	world_take_cache_away(true);
	sim_run(2 * MINUTE);
	sim_ask(COMMAND_BUMP, 5);
	world_take_cache_away(false);
	sim_run_to_end();
	assert_int_equal(world_most_pushes(), 1);
	sim_end("who_matters_most_goes_first");
}

/* Builds of as many ranks, so of as many pushes, as there are; two slots. */
static void no_more_than_the_slots(void **state)
{
	(void)state;
	sim_begin(CACHE, six);
	sim_submit_urgently("a", 1);
	sim_submit_urgently("b", 2);
	sim_submit_urgently("c", 3);
	sim_submit_urgently("d", 4);
	sim_submit_urgently("e", 5);
	sim_run(5000);
	world_take_cache_away(true);
	sim_run(2 * MINUTE);
	world_take_cache_away(false);
	sim_run_to_end();
	assert_int_equal(world_most_pushes(), 2);
	sim_end(NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cache_is_away),
		cmocka_unit_test(the_cache_is_away_for_days),
		cmocka_unit_test(a_restart_during_an_outage),
		cmocka_unit_test(who_matters_most_goes_first),
		cmocka_unit_test(no_more_than_the_slots),
	};

	sim_updates = argc == 2 && strcmp(argv[1], "--update") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
