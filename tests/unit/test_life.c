/* The two tables of states, written out a second time: what every fact does to a job or a build in
 * every state. A change of the way of a job is to be seen in two places. */
#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/event.h"
#include "daemon/store/root.h"
#include "tests/support/pipeline_case.h"
#include "tests/support/store_case.h"

#define SAME (-1) /* Nothing happens. */

/* ---- facts about jobs; 0, or the code of what is refused ---- */

struct fact {
	struct pipeline *p;
	int64_t id, build_id;
};

static int evaluated(const struct fact *f)
{
	job_evaluated(f->p, f->id, "/nix/store/x.drv");
	return 0;
}

static int not_evaluated(const struct fact *f)
{
	job_not_evaluated(f->p, f->id, FAILURE_EVALUATION, "it throws");
	return 0;
}

static int planned(const struct fact *f)
{
	job_planned(f->p, f->id, f->build_id, 0, "{}");
	return 0;
}

static int is_cached(const struct fact *f)
{
	job_is_cached(f->p, f->id, f->build_id, "{}");
	return 0;
}

static int not_planned(const struct fact *f)
{
	job_not_planned(f->p, f->id, FAILURE_NETWORK, "no route");
	return 0;
}

static int evaluate_again(const struct fact *f)
{
	job_evaluate_again(f->p, f->id, "it was collected");
	return 0;
}

static int build_is_building(const struct fact *f)
{
	jobs_follow_build(f->p, f->build_id, BUILD_BUILDING, FAILURE_NONE, "on local");
	return 0;
}

static int build_is_pushing(const struct fact *f)
{
	jobs_follow_build(f->p, f->build_id, BUILD_PUSHING, FAILURE_NONE, NULL);
	return 0;
}

static int build_is_done(const struct fact *f)
{
	jobs_follow_build(f->p, f->build_id, BUILD_DONE, FAILURE_NONE, NULL);
	return 0;
}

static int build_has_failed(const struct fact *f)
{
	jobs_follow_build(f->p, f->build_id, BUILD_FAILED, FAILURE_BUILD, "exit 1");
	return 0;
}

static int cancelled(const struct fact *f)
{
	return job_cancel(f->p, f->id, "alice", NULL);
}

static int retried(const struct fact *f)
{
	return job_retry(f->p, f->id, "alice", NULL);
}

static int held(const struct fact *f)
{
	return job_hold(f->p, f->id, "alice", NULL);
}

static int released(const struct fact *f)
{
	return job_release(f->p, f->id, "alice", NULL);
}

static int bumped(const struct fact *f)
{
	return job_bump(f->p, f->id, "alice", NULL);
}

#define NO 99    /* Refused: CAPQ_EEXIST. */
#define NEVER 98 /* It cannot be: an assertion stops the daemon. */
#define EVAL JOB_EVALUATING
#define PLAN JOB_PLANNING
#define WAIT JOB_WAITING
#define PUSH JOB_PUSHING
#define DONE JOB_DONE
#define HOLD JOB_ON_HOLD
#define FAIL JOB_FAILED
#define GONE JOB_CANCELLED

/* What a job becomes. The columns are the states in their order: evaluating, planning, waiting,
 * pushing, done, on_hold, failed, cancelled, superseded. */
static const struct {
	const char *what;
	int (*happens)(const struct fact *f);
	enum build_state build; /* In what state its build is. */
	int becomes[JOB_STATES];
} job_table[] = {
	/* clang-format off */
	{ "evaluated", evaluated, BUILD_BLOCKED,
	  { PLAN, SAME, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "not evaluated", not_evaluated, BUILD_BLOCKED,
	  { FAIL, SAME, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "planned, its build blocked", planned, BUILD_BLOCKED,
	  { SAME, WAIT, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "planned, its build verifying", planned, BUILD_VERIFYING,
	  { SAME, WAIT, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "planned, its build pushing", planned, BUILD_PUSHING,
	  { SAME, PUSH, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "planned, its build done", planned, BUILD_DONE,
	  { SAME, DONE, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "planned, its build failed", planned, BUILD_FAILED,
	  { SAME, FAIL, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "in the cache", is_cached, BUILD_BLOCKED,
	  { SAME, DONE, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "not planned", not_planned, BUILD_BLOCKED,
	  { SAME, FAIL, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "evaluate again", evaluate_again, BUILD_BLOCKED,
	  { SAME, EVAL, SAME, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "its build runs", build_is_building, BUILD_BUILDING,
	  { SAME, SAME, SAME, NEVER, SAME, SAME, SAME, SAME, SAME } },
	{ "its build is pushed", build_is_pushing, BUILD_PUSHING,
	  { SAME, SAME, PUSH, SAME, SAME, SAME, SAME, SAME, SAME } },
	{ "its build is done", build_is_done, BUILD_DONE,
	  { SAME, SAME, DONE, DONE, SAME, SAME, SAME, SAME, SAME } },
	{ "its build failed", build_has_failed, BUILD_FAILED,
	  { SAME, SAME, FAIL, FAIL, SAME, SAME, SAME, SAME, SAME } },
	{ "cancel", cancelled, BUILD_BLOCKED,
	  { GONE, GONE, GONE, GONE, NO, GONE, NO, NO, NO } },
	{ "retry", retried, BUILD_BLOCKED,
	  { NO, NO, NO, NO, NO, NO, EVAL, EVAL, NO } },
	{ "hold", held, BUILD_BLOCKED,
	  { HOLD, HOLD, HOLD, HOLD, NO, NO, NO, NO, NO } },
	{ "release", released, BUILD_BLOCKED,
	  { NO, NO, NO, NO, NO, PLAN, NO, NO, NO } },
	{ "bump", bumped, BUILD_BLOCKED,
	  { SAME, SAME, SAME, SAME, NO, SAME, NO, NO, NO } },
	/* clang-format on */
};

static int64_t n_events(struct pipeline_case *c)
{
	int64_t oldest, newest;

	store_events_range(c->store, &oldest, &newest);
	return newest;
}

static int job_state_of(struct pipeline_case *c, int64_t id)
{
	struct job job;
	int state;

	assert_true(store_job_get(c->store, id, &job));
	state = (int)job.state;
	job_finish(&job);
	return state;
}

/* A job in `state` whose build is in `build`. */
static struct fact make_job(
	struct pipeline_case *c, int n, enum job_state state, enum build_state build)
{
	cleanup_free char *name = str_format("torch-%d", n);
	struct fact f = { .p = c->p };

	f.build_id = store_case_build(c->store, name, build);
	if (build == BUILD_FAILED) {
		store_begin(c->store);
		store_build_change(c->store, f.build_id,
			&(struct build_change){
				.state = build, .failure = FAILURE_BUILD, .reason = "exit 1" });
		store_case_commit(c->store);
	}
	f.id = store_case_job(c->store, name, store_case_context(c->store, 1, "8.6"));
	store_begin(c->store);
	store_job_set_derivation(c->store, f.id, "/nix/store/x.drv");
	store_job_set_plan(c->store, f.id, f.build_id, 0, "{}");
	store_case_commit(c->store);
	store_case_set_state(c->store, f.id, state);
	return f;
}

/* All moves are counted, and told as one event. */
static void assert_told(
	struct pipeline_case *c, const int64_t *counts, int64_t events, int from, int to)
{
	assert_int_equal(n_events(c), events + 1);
	assert_int_equal(c->p->last_event_id, events + 1);
	assert_int_equal(c->p->job_counts[from], counts[from] - 1);
	assert_int_equal(c->p->job_counts[to], counts[to] + 1);
}

/* What cannot be ends in abort(): in a process of its own. True in that one. */
static bool in_child(pid_t *out_pid)
{
	*out_pid = fork();
	if (*out_pid != 0)
		return false;
	(void)signal(SIGABRT, SIG_DFL); /* Not cmocka's. */
	(void)freopen("/dev/null", "w", stderr);
	return true;
}

static void assert_aborts(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void try_job(struct pipeline_case *c, size_t row, int from)
{
	struct fact f = make_job(
		c, (int)row * JOB_STATES + from, (enum job_state)from, job_table[row].build);
	int wanted = job_table[row].becomes[from], code, state;
	int64_t counts[JOB_STATES], events = n_events(c);

	if (wanted == NEVER) {
		pid_t pid;

		if (in_child(&pid)) {
			pipeline_begin(c->p, QUICK);
			(void)job_table[row].happens(&f);
			_exit(0);
		}
		assert_aborts(pid);
		return;
	}
	memcpy(counts, c->p->job_counts, sizeof counts);
	pipeline_begin(c->p, QUICK);
	code = job_table[row].happens(&f);
	pipeline_case_commit(c);
	state = job_state_of(c, f.id);
	if (code != (wanted == NO ? CAPQ_EEXIST : 0))
		fail_msg("%s, %s: code %d", job_table[row].what,
			job_state_name((enum job_state)from), code);
	if (state != (wanted == NO || wanted == SAME ? from : wanted))
		fail_msg("%s, %s: became %s", job_table[row].what,
			job_state_name((enum job_state)from),
			job_state_name((enum job_state)state));
	if (wanted != NO && wanted != SAME)
		assert_told(c, counts, events, from, wanted);
	else if (job_table[row].happens != bumped)
		assert_int_equal(n_events(c), events);
}

static void what_becomes_of_a_job(void **state)
{
	struct pipeline_case *c = *state;

	for (size_t row = 0; row < ARRAY_LEN(job_table); row++)
		for (int from = 0; from < JOB_STATES; from++)
			try_job(c, row, from);
}

static bool is_asked_for(int (*happens)(const struct fact *))
{
	return happens == cancelled || happens == retried || happens == held ||
	       happens == released || happens == bumped;
}

static void a_job_that_is_not_there(void **state)
{
	struct pipeline_case *c = *state;
	struct fact f = { .p = c->p, .id = 12345, .build_id = 12345 };

	for (size_t row = 0; row < ARRAY_LEN(job_table); row++) {
		int code;

		pipeline_begin(c->p, QUICK);
		code = job_table[row].happens(&f);
		pipeline_case_commit(c);
		assert_int_equal(code, is_asked_for(job_table[row].happens) ? CAPQ_ENOTFOUND : 0);
	}
	assert_int_equal(n_events(c), 0);
}

/* Held before it was evaluated, it has no derivation to plan. */
static void what_was_held_early_is_evaluated(void **state)
{
	struct pipeline_case *c = *state;
	int64_t id = store_case_job(c->store, "torch", store_case_context(c->store, 1, "8.6"));

	pipeline_begin(c->p, QUICK);
	assert_int_equal(job_hold(c->p, id, "alice", NULL), 0);
	assert_int_equal(job_release(c->p, id, "alice", NULL), 0);
	pipeline_case_commit(c);
	assert_int_equal(job_state_of(c, id), JOB_EVALUATING);
}

/* ---- facts about builds ---- */

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

#define BLOCKED BUILD_BLOCKED
#define READY BUILD_READY
#define BUILDING BUILD_BUILDING
#define VERIFYING BUILD_VERIFYING
#define PUSHING BUILD_PUSHING
#define BDONE BUILD_DONE
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
	  { SAME, SAME, SAME, BDONE, SAME, SAME, SAME } },
	{ "verified", verified_for_the_cache,
	  { SAME, SAME, SAME, PUSHING, SAME, SAME, SAME } },
	{ "nowhere to push it any more", build_not_pushed,
	  { SAME, SAME, SAME, SAME, BDONE, SAME, SAME } },
	{ "the cache is away", push_waits,
	  { SAME, SAME, SAME, SAME, PUSHING, SAME, SAME } },
	{ "pushed", pushed,
	  { SAME, SAME, SAME, SAME, BDONE, SAME, SAME } },
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

static int build_state_of(struct pipeline_case *c, int64_t id)
{
	struct build build;
	int state;

	assert_true(store_build_get(c->store, id, &build));
	state = (int)build.state;
	build_finish(&build);
	return state;
}

static void try_build(struct pipeline_case *c, size_t row, int from)
{
	cleanup_free char *name = str_format("torch-%zu-%d", row, from);
	int64_t id = store_case_build(c->store, name, (enum build_state)from);
	int64_t count = c->p->build_counts[from], events = n_events(c);
	int wanted = build_table[row].becomes[from], state;

	if (wanted == NEVER) {
		pid_t pid;

		if (in_child(&pid)) {
			pipeline_begin(c->p, QUICK);
			build_table[row].happens(c->p, id);
			_exit(0);
		}
		assert_aborts(pid);
		return;
	}
	pipeline_begin(c->p, QUICK);
	build_table[row].happens(c->p, id);
	pipeline_case_commit(c);
	state = build_state_of(c, id);
	if (state != (wanted == SAME ? from : wanted))
		fail_msg("%s, %s: became %s", build_table[row].what,
			build_state_name((enum build_state)from),
			build_state_name((enum build_state)state));
	assert_int_equal(n_events(c), events + (wanted == SAME ? 0 : 1));
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

static void note_unused(void *owner, int64_t root_id)
{
	store_case_note(owner, root_id);
}

/* The cache was taken out of the configuration, and the daemon started again: what was to be
 * pushed, or to be pushed again later, is done, and its outputs are kept. */
static void without_a_cache_nothing_stays_pushing(void **state)
{
	struct pipeline_case *c = *state;
	struct fact f = make_job(c, 1, JOB_PUSHING, BUILD_PUSHING);
	cleanup_str struct str unused = { 0 };
	int64_t root;

	store_begin(c->store);
	root = store_root_new(c->store, 1);
	store_build_set_output_root(c->store, f.build_id, root);
	store_case_commit(c->store);
	pipeline_begin(c->p, QUICK);
	build_try_failed(c->p, f.build_id, FAILURE_PUSH, "the cache is down");
	pipeline_case_commit(c);
	pipeline_case_reopen(c);
	pushing_start_some(c->p);
	assert_true(pipeline_run_events(c->p));
	assert_int_equal(build_state_of(c, f.build_id), BUILD_DONE);
	assert_int_equal(job_state_of(c, f.id), JOB_DONE);
	store_roots_unused(c->store, note_unused, &unused);
	assert_string_equal(str_text(&unused), "");
	assert_int_equal(c->p->pushing_builds.n, 0);
}

/* Rows first, memory after: when the rows are not written, memory stays as it was. */
static void a_commit_that_fails_changes_nothing(void **state)
{
	struct pipeline_case *c = *state;
	struct fact f = make_job(c, 1, JOB_WAITING, BUILD_BUILDING);
	int64_t counts[JOB_STATES];

	memcpy(counts, c->p->job_counts, sizeof counts);
	store_fail_commit(c->store, 1);
	pipeline_begin(c->p, QUICK);
	assert_int_equal(cancelled(&f), 0);
	assert_false(pipeline_commit(c->p));
	assert_non_null(c->p->store_problem);
	assert_false(pipeline_may_start(c->p));
	assert_int_equal(job_state_of(c, f.id), JOB_WAITING);
	assert_memory_equal(counts, c->p->job_counts, sizeof counts);
	assert_int_equal(c->p->last_event_id, 0);
	assert_int_equal(c->p->n_deferred, 0);
	pipeline_begin(c->p, QUICK);
	assert_int_equal(cancelled(&f), 0);
	pipeline_case_commit(c);
	assert_null(c->p->store_problem);
	assert_int_equal(job_state_of(c, f.id), JOB_CANCELLED);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, pipeline_case_setup, pipeline_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_becomes_of_a_job),
		TEST(a_job_that_is_not_there),
		TEST(what_was_held_early_is_evaluated),
		TEST(what_becomes_of_a_build),
		cmocka_unit_test(what_a_restart_makes_of_a_build),
		TEST(tries_are_counted_and_told),
		TEST(without_a_cache_nothing_stays_pushing),
		TEST(a_commit_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
