/* What revisions and packages said, what jobs came of, and what is built in place of what was
 * asked. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/context.h"
#include "daemon/store/support.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static struct capability_set set(const char *text)
{
	struct capability_set s = { 0 };

	if (text[0] != '\0')
		assert_int_equal(capability_set_parse(text, &s, NULL), 0);
	return s;
}

static void assert_set(const struct capability_set *is, const char *text)
{
	cleanup_free char *is_text = capability_set_text(is);

	assert_string_equal(is_text, text);
}

static const struct probe_key here = { "abc", "d1", "x86_64-linux" };

/* Each part of the key tells. */
static const struct probe_key elsewhere[] = { { "abd", "d1", "x86_64-linux" },
	{ "abc", "d2", "x86_64-linux" }, { "abc", "d1", "aarch64-linux" } };

static void what_a_revision_said_is_kept(void **state)
{
	struct store_case *c = *state;
	struct probe said = { .has_cuda = true,
		.era = ERA_CUDA_MODULES,
		.cuda = { 12, 4 },
		.by_default = set("7.5,8.6+PTX"),
		.supported = set("7.5,8.6,9.0a") };
	struct probe none = { 0 }, got;

	assert_false(store_probe_get(c->store, &here, &got));
	store_begin(c->store);
	store_probe_put(c->store, &here, &none, 1);
	store_probe_put(c->store, &here, &said, 2); /* In place of the first. */
	store_probe_put(c->store, &elsewhere[0], &none, 1);
	store_case_commit(c->store);
	store_case_reopen(c);
	assert_true(store_probe_get(c->store, &here, &got));
	assert_true(got.has_cuda);
	assert_int_equal(got.era, ERA_CUDA_MODULES);
	assert_int_equal(got.cuda.major, 12);
	assert_int_equal(got.cuda.minor, 4);
	assert_set(&got.by_default, "7.5,8.6+PTX");
	assert_set(&got.supported, "7.5,8.6,9.0a");
	assert_true(store_probe_get(c->store, &elsewhere[0], &got));
	assert_false(got.has_cuda);
	assert_int_equal(got.cuda.major, 0);
	assert_int_equal(got.by_default.n + got.supported.n, 0);
	assert_false(store_probe_get(c->store, &elsewhere[1], &got));
	assert_false(store_probe_get(c->store, &elsewhere[2], &got));
}

static void what_a_package_said_is_kept(void **state)
{
	struct store_case *c = *state;
	struct capability_set some = set("8.0,9.0"), none = { 0 }, got;

	store_begin(c->store);
	store_support_put(c->store, "a", &here, &some);
	store_support_put(c->store, "b", &here, &none);
	store_case_commit(c->store);
	store_case_reopen(c);
	assert_true(store_support_get(c->store, "a", &here, &got));
	assert_set(&got, "8.0,9.0");
	assert_true(store_support_get(c->store, "b", &here, &got));
	assert_int_equal(got.n, 0);
	assert_false(store_support_get(c->store, "c", &here, &got));
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		assert_false(store_support_get(c->store, "a", &elsewhere[i], &got));
}

static bool note(
	void *owner, int64_t id, const char *attr, int64_t context_id, const char *drv_path)
{
	(void)attr;
	(void)context_id;
	(void)drv_path;
	store_case_note(owner, id);
	return true;
}

static void assert_evaluated_with(struct store *store, int64_t context, const char *ids)
{
	cleanup_str struct str found = { 0 };

	store_jobs_each(store, JOB_EVALUATING, context, note, &found);
	assert_string_equal(str_text(&found), ids);
}

static bool skip_none(void *owner, int64_t job)
{
	(void)owner;
	(void)job;
	return false;
}

static char *built_caps(struct store *store, int64_t id)
{
	struct job job;
	char *caps;

	assert_true(store_job_get(store, id, &job));
	assert_string_equal(job.caps, "8.9"); /* What was asked for stays. */
	caps = xstrdup_or_null(job.built_caps);
	job_finish(&job);
	return caps;
}

static void a_job_is_evaluated_for_what_is_built(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t asked = store_case_context(store, 7, "8.9");
	int64_t built = store_case_context(store, 7, "8.6");
	int64_t job = store_case_job(store, "torch", asked), other, again;
	cleanup_free char *before = NULL, *then = NULL, *after = NULL;
	struct context context;

	before = built_caps(store, job);
	assert_null(before);
	assert_evaluated_with(store, asked, " 1");
	store_begin(store);
	store_job_set_built(store, job, built);
	store_case_commit(store);
	then = built_caps(store, job);
	assert_string_equal(then, "8.6");
	assert_evaluated_with(store, asked, "");
	assert_evaluated_with(store, built, " 1");
	assert_evaluated_with(store, 0, " 1");
	assert_int_equal(store_job_next_context(store, skip_none, NULL), built);
	assert_true(store_job_context(store, job, &context));
	assert_string_equal(context.caps, "8.9");
	context_finish(&context);

	/* Its identity is what was asked for: these are two jobs. */
	other = store_case_job(store, "torch", built);
	assert_int_not_equal(other, job);
	again = store_case_job(store, "torch", asked);
	assert_int_equal(again, job);
	assert_evaluated_with(store, built, " 2 1");

	store_begin(store);
	store_job_clear_plan(store, job);
	store_case_commit(store);
	after = built_caps(store, job);
	assert_null(after);
	assert_evaluated_with(store, asked, " 1");
}

static void a_job_remembers_how_it_was_asked(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	struct job_entry entry = { .attr = "a",
		.context_id = store_case_context(store, 7, "8.6"),
		.caps_from = "each",
		.unsupported = UNSUPPORTED_CLOSEST,
		.rev_from = "hash",
		.submitter = "alice" };
	struct job_entered entered;
	struct job job;

	store_begin(store);
	store_job_enter(store, &entry, &entered);
	store_case_commit(store);
	assert_true(store_job_get(store, entered.id, &job));
	assert_string_equal(job.caps_from, "each");
	assert_int_equal(job.unsupported, UNSUPPORTED_CLOSEST);
	assert_false(job.is_skipped);
	job_finish(&job);
	store_begin(store);
	store_job_set_unsupported(store, entered.id, UNSUPPORTED_SKIP);
	store_job_set_skipped(store, entered.id);
	store_case_commit(store);
	assert_true(store_job_get(store, entered.id, &job));
	assert_int_equal(job.unsupported, UNSUPPORTED_SKIP);
	assert_true(job.is_skipped);
	job_finish(&job);
}

static void assert_same_as(struct store *store, int64_t id, const char *caps)
{
	struct job job;

	assert_true(store_job_get(store, id, &job));
	if (caps == NULL)
		assert_null(job.same_as);
	else
		assert_string_equal(job.same_as, caps);
	job_finish(&job);
}

/* Of the same attribute and derivation, for another set, and earlier. */
static void the_same_derivation_is_found(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	static const struct {
		const char *attr, *caps, *drv, *same_as;
		int revision;
	} jobs[] = {
		{ "cmake", "8.0", "/nix/store/x-cmake.drv", NULL, 1 },
		{ "cmake", "8.0", "/nix/store/x-cmake.drv", NULL, 2 },
		{ "cmake", "8.6", "/nix/store/x-cmake.drv", "8.0", 2 },
		{ "cmake", "9.0", "/nix/store/x-cmake.drv", "8.0", 2 },
		{ "cmakeMinimal", "8.6", "/nix/store/x-cmake.drv", NULL, 2 },
		{ "cmake", "8.6", "/nix/store/y-cmake.drv", NULL, 3 },
		{ "cmake", "8.0", NULL, NULL, 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		int64_t id = store_case_job(store, jobs[i].attr,
			store_case_context(store, jobs[i].revision, jobs[i].caps));

		if (jobs[i].drv != NULL) {
			store_begin(store);
			store_job_set_derivation(store, id, jobs[i].drv);
			store_case_commit(store);
		}
		assert_same_as(store, id, jobs[i].same_as);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_revision_said_is_kept),
		TEST(what_a_package_said_is_kept),
		TEST(a_job_is_evaluated_for_what_is_built),
		TEST(a_job_remembers_how_it_was_asked),
		TEST(the_same_derivation_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
