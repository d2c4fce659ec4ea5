/* The table of a build's states, written out a second time: what every fact does to a build in
 * every state. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/root.h"
#include "tests/support/life_case.h"
#include "tests/support/store_case.h"

static void reopened(struct pipeline *p, int64_t id)
{
	build_reopened(p, id, BUILD_BLOCKED);
}

static void planned_again(struct pipeline *p, int64_t id)
{
	build_plan_again(p, id, "an input was collected");
}

static void needs_more(struct pipeline *p, int64_t id)
{
	build_needs_more(p, id, id);
}

static void started(struct pipeline *p, int64_t id)
{
	int64_t attempt;

	build_started(p, id, "local", store_root_new(p->store, 1), &attempt);
}

static void built(struct pipeline *p, int64_t id)
{
	build_built(p, id, 1000, 900);
}

static void verified_for_the_cache(struct pipeline *p, int64_t id)
{
	char name[] = "cache", *before = p->settings->cache.name;

	p->settings->cache.name = name;
	build_verified(p, id);
	p->settings->cache.name = before;
}

static void push_waits(struct pipeline *p, int64_t id)
{
	build_push_waits(p, id, "the cache does not answer");
}

static void pushed(struct pipeline *p, int64_t id)
{
	build_pushed(p, id, 4096);
}

static void failed_once(struct pipeline *p, int64_t id)
{
	build_try_failed(p, id, FAILURE_NETWORK, "no route");
}

static void failed_for_good(struct pipeline *p, int64_t id)
{
	build_try_failed(p, id, FAILURE_BUILD, "exit 1");
}

static void interrupted(struct pipeline *p, int64_t id)
{
	build_interrupted(p, id, "capqd is stopping");
}

#define SAME LIFE_SAME
#define NEVER LIFE_NEVER
#define BLOCKED BUILD_BLOCKED
#define READY BUILD_READY
#define BUILDING BUILD_BUILDING
#define VERIFYING BUILD_VERIFYING
#define PUSHING BUILD_PUSHING
#define DONE BUILD_DONE
#define FAILED BUILD_FAILED

/* What a build becomes. The columns are the states in their order: blocked, ready, building,
 * verifying, pushing, done, failed. */
static const struct {
	const char *what;
	void (*happens)(struct pipeline *p, int64_t id);
	int becomes[BUILD_STATES];
} build_table[] = {
	/* clang-format off */
	{ "reopened", reopened,
	  { SAME, SAME, SAME, SAME, SAME, BLOCKED, BLOCKED } },
	{ "unblocked", build_unblocked,
	  { READY, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "fetched", build_was_fetched,
	  { VERIFYING, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "planned again", planned_again,
	  { SAME, BLOCKED, BLOCKED, SAME, SAME, SAME, SAME } },
	{ "needs more", needs_more,
	  { SAME, BLOCKED, SAME, SAME, SAME, SAME, SAME } },
	{ "started", started,
	  { NEVER, BUILDING, NEVER, NEVER, NEVER, NEVER, NEVER } },
	{ "built", built,
	  { SAME, SAME, VERIFYING, SAME, SAME, SAME, SAME } },
	{ "verified, nowhere to push it", build_verified,
	  { SAME, SAME, SAME, DONE, SAME, SAME, SAME } },
	{ "verified", verified_for_the_cache,
	  { SAME, SAME, SAME, PUSHING, SAME, SAME, SAME } },
	{ "nowhere to push it any more", build_not_pushed,
	  { SAME, SAME, SAME, SAME, DONE, SAME, SAME } },
	{ "the cache is away", push_waits,
	  { SAME, SAME, SAME, SAME, PUSHING, SAME, SAME } },
	{ "pushed", pushed,
	  { SAME, SAME, SAME, SAME, DONE, SAME, SAME } },
	{ "failed once", failed_once,
	  { BLOCKED, READY, READY, VERIFYING, PUSHING, SAME, SAME } },
	{ "failed for good", failed_for_good,
	  { FAILED, FAILED, FAILED, FAILED, FAILED, SAME, SAME } },
	{ "interrupted", interrupted,
	  { SAME, SAME, READY, SAME, SAME, SAME, SAME } },
	{ "dropped", build_dropped,
	  { SAME, SAME, FAILED, SAME, SAME, SAME, SAME } },
	/* clang-format on */
};

static void try_build(struct pipeline_case *c, size_t row, int from)
{
	cleanup_free char *name = str_format("torch-%zu-%d", row, from);
	int64_t id = store_case_build(c->store, name, (enum build_state)from);
	int64_t count = c->p->build_counts[from], events = life_case_events(c);
	int wanted = build_table[row].becomes[from], state;

	if (wanted == NEVER) {
		pid_t pid;

		if (life_case_in_child(&pid)) {
			pipeline_begin(c->p, QUICK);
			build_table[row].happens(c->p, id);
			_exit(0);
		}
		life_case_assert_aborts(pid);
		return;
	}
	pipeline_begin(c->p, QUICK);
	build_table[row].happens(c->p, id);
	pipeline_case_commit(c);
	state = life_case_build_state(c, id);
	if (state != (wanted == SAME ? from : wanted))
		fail_msg("%s, %s: became %s", build_table[row].what,
			build_state_name((enum build_state)from),
			build_state_name((enum build_state)state));
	assert_int_equal(life_case_events(c), events + (wanted == SAME ? 0 : 1));
	assert_int_equal(
		c->p->build_counts[from], count - (wanted == SAME || wanted == from ? 0 : 1));
}

static void what_becomes_of_a_build(void **state)
{
	struct pipeline_case *c = *state;

	for (size_t row = 0; row < ARRAY_LEN(build_table); row++)
		for (int from = 0; from < BUILD_STATES; from++)
			try_build(c, row, from);
}

static void what_a_restart_makes_of_a_build(void **state)
{
	static const enum build_state after[BUILD_STATES] = {
		[BUILD_BLOCKED] = BUILD_BLOCKED,
		[BUILD_READY] = BUILD_READY,
		[BUILD_BUILDING] = BUILD_READY,
		[BUILD_VERIFYING] = BUILD_VERIFYING,
		[BUILD_PUSHING] = BUILD_PUSHING,
		[BUILD_DONE] = BUILD_DONE,
		[BUILD_FAILED] = BUILD_FAILED,
	};

	(void)state;
	for (int i = 0; i < BUILD_STATES; i++)
		assert_int_equal(build_state_after_restart((enum build_state)i), after[i]);
}

/* What is tried again waits as long as its class says, and says so. */
static void tries_are_counted_and_told(void **state)
{
	struct pipeline_case *c = *state;
	int64_t id = store_case_build(c->store, "torch-2.5.1", BUILD_READY);
	struct build build;

	for (int tries = 1; tries <= 5; tries++) {
		pipeline_begin(c->p, QUICK);
		failed_once(c->p, id);
		pipeline_case_commit(c);
		assert_true(store_build_get(c->store, id, &build));
		assert_int_equal(build.tries, tries);
		assert_int_equal(build.failure, FAILURE_NETWORK);
		assert_int_equal(build.state, tries < 5 ? BUILD_READY : BUILD_FAILED);
		assert_int_equal(build.not_before > 0, tries < 5);
		if (tries == 1)
			assert_string_equal(
				build.reason, "network: no route; again in 20s (try 2 of 5)");
		build_finish(&build);
	}
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, pipeline_case_setup, pipeline_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_becomes_of_a_build),
		cmocka_unit_test(what_a_restart_makes_of_a_build),
		TEST(tries_are_counted_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
