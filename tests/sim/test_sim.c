/* Scenarios. Each is read beside its transcript, expected/<name>.txt. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "tests/sim/sim.h"

#define CACHE "cache: {name: toy, host: \"http://cache.test\"}\n"

/* torchvision and torchaudio need torch, which needs numpy; all is built once, for three jobs. */
static void one_dependency_for_three_jobs(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "numpy-1" },
		{ .name = "torch-1", .needs = "numpy-1", .takes_ms = 60000 },
		{ .name = "torchvision-1", .needs = "torch-1 numpy-1", .takes_ms = 5000 },
		{ .name = "torchaudio-1", .needs = "torch-1", .takes_ms = 4000 },
		{ 0 },
	};

	(void)state;
	sim_begin(CACHE, packages);
	sim_submit("torchvision");
	sim_submit("torch");
	sim_submit("torchaudio");
	sim_run_to_end();
	assert_int_equal(world_n_built("torch-1"), 1);
	assert_int_equal(world_n_built("numpy-1"), 1);
	sim_end("one_dependency_for_three_jobs");
}

/* torch fails for good: all that need it fail with it, at once, and name it. What comes later fails
 * as soon as it is planned; a retry forgets. */
static void a_dependency_fails(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "torch-1", .error = "builder for", .n_errors = 1, .takes_ms = 3000 },
		{ .name = "torchvision-1", .needs = "torch-1" },
		{ .name = "torchaudio-1", .needs = "torch-1" },
		{ 0 },
	};

	(void)state;
	sim_begin("", packages);
	sim_submit("torchvision");
	sim_submit("torch");
	sim_run_to_end();
	sim_submit("torchaudio");
	sim_run_to_end();
	sim_ask(COMMAND_RETRY, 3);
	sim_run_to_end();
	sim_end("a_dependency_fails");
}

/* A network failure is tried again after 20 s, 60 s, ...; a failed push as a push. */
static void tries_and_waits(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "source-1",
			.kind = DRV_FIXED,
			.error = "unable to download http://x: HTTP error 500 for",
			.n_errors = 2 },
		{ 0 },
	};

	(void)state;
	sim_begin(CACHE, packages);
	sim_submit("source");
	world_fail_pushes(3);
	sim_run_to_end();
	assert_int_equal(world_n_built("source-1"), 1);
	sim_end("tries_and_waits");
}

/* One of many cannot be planned, and nobody can say which: each is planned alone, never more plans
 * at once than ever, and the others are not kept waiting. */
static void a_plan_that_fails_is_taken_apart(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "a-1" },
		{ .name = "b-1" },
		{ .name = "c-1" },
		{ .name = "bad-1", .n_unknowns = 3 },
		{ .name = "d-1" },
		{ .name = "e-1" },
		{ 0 },
	};

	(void)state;
	sim_begin("", packages);
	sim_submit("a");
	sim_submit("b");
	sim_submit("c");
	sim_submit("bad"); /* While b and c are planned, these three come together. */
	sim_submit("d");
	sim_submit("e");
	sim_run_to_end();
	assert_int_equal(world_most_checks(), 2);
	sim_end("a_plan_that_fails_is_taken_apart");
}

/* What cannot be planned at all fails after a few tries, says why, and can be tried again. */
static void what_is_never_planned_fails(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "bad-1", .n_unknowns = 5 },
		{ 0 },
	};

	(void)state;
	sim_begin("", packages);
	sim_submit("bad");
	sim_run_to_end();
	assert_int_equal(sim_job_state(1), JOB_FAILED);
	sim_ask(COMMAND_RETRY, 1);
	sim_run_to_end();
	assert_int_equal(sim_job_state(1), JOB_DONE);
	sim_end("what_is_never_planned_fails");
}

/* While Nix's daemon is away nothing fails, however long that is: no try is counted. */
static void nix_is_away_for_a_while(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "numpy-1", .takes_ms = 5000 },
		{ .name = "torch-1", .needs = "numpy-1" },
		{ .name = "magma-1" },
		{ 0 },
	};

	(void)state;
	sim_begin("", packages);
	sim_submit("torch");
	sim_run(3000);
	sim_note("> Nix goes away");
	world_take_nix_away(true);
	sim_run(4000);
	sim_submit("magma");
	sim_run(10 * 60 * 1000);
	sim_note("> Nix is back");
	world_take_nix_away(false);
	sim_run_to_end();
	assert_int_equal(sim_job_state(1), JOB_DONE);
	assert_int_equal(sim_job_state(2), JOB_DONE);
	sim_end("nix_is_away_for_a_while");
}

/* Nix obeys neither limit here, as it does not for a remote builder: capqd has its own eye on them.
 */
static void nix_ignores_the_limits(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "endless-1", .takes_ms = 24 * 60 * 60 * 1000 },
		{ .name = "torch-1" },
		{ 0 },
	};
	static const char *const limits[] = { "build: {timeout: 1m, max_silent: 1h}\n",
		"build: {timeout: 1h, max_silent: 1m}\n" };
	static const char *const transcripts[] = { "nix_ignores_the_time_limit",
		"nix_ignores_the_silence_limit" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		sim_begin(limits[i], packages);
		sim_submit("endless");
		sim_submit("torch");
		sim_run_to_end();
		assert_int_equal(sim_job_state(1), JOB_FAILED);
		assert_int_equal(sim_job_state(2), JOB_DONE);
		sim_end(transcripts[i]);
	}
}

/* Four contexts, two evaluators at a time. */
static void so_many_evaluations_at_once(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "a-1" },
		{ 0 },
	};

	(void)state;
	sim_begin("evaluator: {max_jobs: 2}\n", packages);
	sim_submit_for("a", "8.0");
	sim_submit_for("a", "8.6");
	sim_submit_for("a", "8.9");
	sim_submit_for("a", "9.0");
	sim_run_to_end();
	assert_int_equal(world_n_evaluations(), 4);
	assert_int_equal(world_most_evaluations(), 2);
	assert_int_equal(world_n_built("a-1"), 1);
	sim_end(NULL);
}

/* Cheap builds share a slot and a process. One that nobody wants any more does not end it for the
 * others; when nobody wants any of them, it is stopped. */
static void one_of_a_batch_is_cancelled(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "long-1", .takes_ms = 20000 },
		{ .name = "other-1", .takes_ms = 90000 },
		{ .name = "a-1", .takes_ms = 5000 },
		{ .name = "b-1", .takes_ms = 5000 },
		{ .name = "c-1", .takes_ms = 5000 },
		{ .name = "d-1", .takes_ms = 5000 },
		{ .name = "e-1", .takes_ms = 60000 },
		{ .name = "f-1", .takes_ms = 60000 },
		{ 0 },
	};

	(void)state;
	sim_begin("", packages);
	for (const char *name = "abcdef"; *name != '\0'; name++)
		sim_know_cost((const char[]){ *name, '\0' }, 10);
	sim_submit("long");
	sim_submit("other");
	sim_run(3000);
	sim_submit("a"); /* These wait for one slot: together. */
	sim_submit("b");
	sim_submit("c");
	sim_submit("d");
	sim_run(20000);
	assert_int_equal(sim_job_state(4), JOB_WAITING);
	sim_ask(COMMAND_CANCEL, 4);
	sim_submit("e");
	sim_submit("f");
	sim_run(30000);
	assert_int_equal(sim_job_state(3), JOB_DONE);
	assert_int_equal(sim_job_state(5), JOB_DONE);
	assert_int_equal(sim_job_state(6), JOB_DONE);
	sim_ask(COMMAND_CANCEL, 7);
	sim_ask(COMMAND_CANCEL, 8);
	sim_run_to_end();
	assert_int_equal(world_n_built("e-1") + world_n_built("f-1"), 0);
	sim_end("one_of_a_batch_is_cancelled");
}

/* A job is cancelled while it is evaluated, planned, built, and pushed. */
static void cancel_in_each_state(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "a-1" },
		{ .name = "b-1" },
		{ .name = "c-1", .takes_ms = 60000 },
		{ .name = "d-1", .needs = "c-1" },
		{ .name = "e-1" },
		{ .name = "f-1" },
		{ 0 },
	};

	(void)state;
	sim_begin(CACHE, packages);
	sim_submit("a");
	sim_ask(COMMAND_CANCEL, 1);
	sim_submit("b");
	sim_run(980);
	sim_ask(COMMAND_CANCEL, 2);
	sim_submit("d");
	sim_submit("c");
	sim_run(10000);
	sim_ask(COMMAND_CANCEL, 3); /* c is built on: job 4 wants it. */
	sim_run(10000);
	sim_ask(COMMAND_CANCEL, 4); /* Nobody wants it now. */
	sim_run(1000);
	sim_submit("e");
	sim_run(2300);
	sim_ask(COMMAND_CANCEL, 5); /* It is pushed all the same: what was built is not lost. */
	sim_run(5000);
	sim_ask(COMMAND_CANCEL, 5); /* Once is enough. */
	sim_submit("f");
	sim_run(1000);
	sim_ask(COMMAND_CANCEL, 6);
	sim_run(5000);
	assert_int_equal(world_n_built("f-1"), 0);
	sim_end("cancel_in_each_state");
}

/* Drained, nothing starts, what runs ends, and the other waits; a hold and a release; a bump. */
static void drain_hold_and_bump(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "a-1", .takes_ms = 10000 },
		{ .name = "b-1", .takes_ms = 10000 },
		{ .name = "c-1", .takes_ms = 10000 },
		{ .name = "d-1", .takes_ms = 10000 },
		{ 0 },
	};

	(void)state;
	sim_begin("", packages);
	sim_submit("a");
	sim_submit("b");
	sim_submit("c");
	sim_submit("d");
	sim_run(5000);
	sim_drain(true);
	sim_ask(COMMAND_BUMP, 4);
	sim_ask(COMMAND_HOLD, 3);
	sim_run(20000);
	sim_drain(false);
	sim_run(30000);
	sim_ask(COMMAND_RELEASE, 3);
	sim_run_to_end();
	sim_end("drain_hold_and_bump");
}

/* Stopped in the middle of a build and of a push, it goes on: what ran is run again, what was built
 * is not. */
static void a_restart_goes_on(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "torch-1", .takes_ms = 20000 },
		{ .name = "torchvision-1", .needs = "torch-1", .takes_ms = 20000 },
		{ 0 },
	};

	(void)state;
	sim_begin(CACHE, packages);
	sim_submit("torchvision");
	sim_run(10000);
	sim_restart();
	sim_run(25000);
	sim_restart();
	sim_run_to_end();
	assert_int_equal(world_n_built("torch-1"), 1);
	assert_int_equal(world_n_built("torchvision-1"), 1);
	sim_end("a_restart_goes_on");
}

/* The disk is full for one moment, whichever: afterwards all is as if it had not been. 50 commits
 * are more than there are. */
static void any_commit_may_fail(void **state)
{
	static const struct world_package packages[] = {
		{ .name = "numpy-1", .kind = DRV_FIXED },
		{ .name = "torch-1", .needs = "numpy-1" },
		{ .name = "torchvision-1", .needs = "torch-1 numpy-1" },
		{ 0 },
	};

	(void)state;
	for (int n = 1; n <= 50; n++) {
		sim_begin(CACHE, packages);
		sim_submit("torch");
		sim_fail_commit(n);
		sim_submit("torchvision");
		if (n == 1) /* That one was refused, and nothing of it is there. */
			sim_submit("torchvision");
		sim_run_to_end();
		assert_int_equal(sim_job_state(1), JOB_DONE);
		assert_int_equal(sim_job_state(2), JOB_DONE);
		assert_int_equal(world_n_built("numpy-1"), 1);
		assert_int_equal(world_n_built("torch-1"), 1);
		assert_int_equal(world_n_built("torchvision-1"), 1);
		sim_end(NULL);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_dependency_for_three_jobs),
		cmocka_unit_test(a_dependency_fails),
		cmocka_unit_test(tries_and_waits),
		cmocka_unit_test(a_plan_that_fails_is_taken_apart),
		cmocka_unit_test(what_is_never_planned_fails),
		cmocka_unit_test(nix_is_away_for_a_while),
		cmocka_unit_test(nix_ignores_the_limits),
		cmocka_unit_test(so_many_evaluations_at_once),
		cmocka_unit_test(one_of_a_batch_is_cancelled),
		cmocka_unit_test(cancel_in_each_state),
		cmocka_unit_test(drain_hold_and_bump),
		cmocka_unit_test(a_restart_goes_on),
		cmocka_unit_test(any_commit_may_fail),
	};

	sim_updates = argc == 2 && strcmp(argv[1], "--update") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
