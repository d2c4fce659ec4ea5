/* The table of a job's states, written out a second time: what every fact does to a job in every
 * state. A change of the way of a job is to be seen in two places. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/build_life.h"
#include "daemon/pipeline/job_life.h"
#include "daemon/pipeline/steps.h"
#include "daemon/store/event.h"
#include "daemon/store/root.h"
#include "tests/support/life_case.h"
#include "tests/support/store_case.h"

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

#define SAME LIFE_SAME
#define NO LIFE_REFUSED
#define NEVER LIFE_NEVER
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
	assert_int_equal(life_case_events(c), events + 1);
	assert_int_equal(c->p->last_event_id, events + 1);
	assert_int_equal(c->p->job_counts[from], counts[from] - 1);
	assert_int_equal(c->p->job_counts[to], counts[to] + 1);
}

static void try_job(struct pipeline_case *c, size_t row, int from)
{
	struct fact f = make_job(
		c, (int)row * JOB_STATES + from, (enum job_state)from, job_table[row].build);
	int wanted = job_table[row].becomes[from], code, state;
	int64_t counts[JOB_STATES], events = life_case_events(c);

	if (wanted == NEVER) {
		pid_t pid;

		if (life_case_in_child(&pid)) {
			pipeline_begin(c->p, QUICK);
			(void)job_table[row].happens(&f);
			_exit(0);
		}
		life_case_assert_aborts(pid);
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
		assert_int_equal(life_case_events(c), events);
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
	assert_int_equal(life_case_events(c), 0);
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
	assert_int_equal(life_case_build_state(c, f.build_id), BUILD_DONE);
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
		TEST(without_a_cache_nothing_stays_pushing),
		TEST(a_commit_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
