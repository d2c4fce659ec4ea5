/* The history of a package: pages of it, and which package an attribute path means. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/store/history.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static struct store *store_of(void **state)
{
	return ((struct store_case *)*state)->store;
}

static int64_t new_attempt(struct store *store, int64_t build)
{
	static int number;
	int64_t id;

	store_begin(store);
	id = store_attempt_start(store, build, ++number, "local", 1000);
	store_case_commit(store);
	return id;
}

static int64_t add(struct store *store, int64_t attempt, const char *package, const char *caps)
{
	struct history_entry entry = { .attempt_id = attempt,
		.drv_path = "/nix/store/00000000000000000000000000000000-torch-2.5.1.drv",
		.package = package,
		.system = "x86_64-linux",
		.caps = caps,
		.machine = "",
		.builder = "local",
		.started_at = 5000,
		.wall_ms = 60000,
		.core_ms = -1,
		.output_bytes = 4096,
		.outcome = "built" };
	int64_t id;

	store_begin(store);
	id = store_history_add(store, &entry);
	store_case_commit(store);
	return id;
}

static void note_row(void *str, const struct history_row *row)
{
	store_case_note(str, row->id);
}

static void look(void *owner, const struct history_row *row)
{
	const struct history_entry *e = &row->entry;

	assert_int_equal(row->build_id, *(int64_t *)owner);
	assert_string_equal(e->package, "torch");
	assert_string_equal(e->caps, "8.6+PTX");
	assert_string_equal(e->builder, "local");
	assert_int_equal(e->started_at, 5000);
	assert_int_equal(e->wall_ms, 60000);
	assert_int_equal(e->core_ms, -1);
	assert_int_equal(e->output_bytes, 4096);
	assert_string_equal(e->outcome, "built");
}

static void a_row_is_what_was_written(void **state)
{
	struct store *store = store_of(state);
	struct history_filter filter = { .package = "torch", .system = "x86_64-linux", .limit = 9 };
	int64_t build = store_case_build(store, "other-1.0", BUILD_DONE);

	build = store_case_build(store, "torch-2.5.1", BUILD_DONE);
	(void)add(store, new_attempt(store, build), "torch", "8.6+PTX");
	assert_int_equal(store_history_page(store, &filter, look, &build), 0);
}

static void pages_lead_through_one_package(void **state)
{
	struct store *store = store_of(state);
	struct history_filter filter = { .package = "torch", .system = "x86_64-linux", .limit = 2 };
	int64_t attempt = new_attempt(store, store_case_build(store, "torch-2.5.1", BUILD_DONE));
	cleanup_str struct str got = { 0 }, other = { 0 };

	for (int i = 0; i < 5; i++) {
		(void)add(store, attempt, "torch", "8.6");
		(void)add(store, attempt, "magma", "8.6");
	}
	do
		filter.before_id = store_history_page(store, &filter, note_row, &got);
	while (filter.before_id != 0);
	assert_string_equal(str_text(&got), " 9 7 5 3 1");
	filter.system = "aarch64-linux";
	assert_int_equal(store_history_page(store, &filter, note_row, &other), 0);
	assert_string_equal(str_text(&other), "");
}

/* A page ends at HISTORY_SCAN_MAX rows, found or not; following it leads to all. */
static void sets_are_looked_for_in_bounds(void **state)
{
	struct store *store = store_of(state);
	struct history_filter filter = {
		.package = "torch", .system = "x86_64-linux", .caps = "9.0", .limit = 2
	};
	int64_t attempt = new_attempt(store, store_case_build(store, "torch-2.5.1", BUILD_DONE));
	cleanup_str struct str got = { 0 };
	int pages = 0;

	(void)add(store, attempt, "torch", "9.0");
	(void)add(store, attempt, "torch", "9.0");
	(void)add(store, attempt, "torch", "9.0");
	store_begin(store);
	for (int i = 0; i < HISTORY_SCAN_MAX + 10; i++) {
		struct history_entry entry = { .attempt_id = attempt,
			.drv_path = "d",
			.package = "torch",
			.system = "x86_64-linux",
			.caps = "9.0+PTX",
			.machine = "",
			.builder = "local",
			.core_ms = -1,
			.output_bytes = -1,
			.outcome = "built" };

		(void)store_history_add(store, &entry);
	}
	store_case_commit(store);
	filter.before_id = store_history_page(store, &filter, note_row, &got);
	assert_string_equal(str_text(&got), "");
	assert_int_equal(filter.before_id, 3 + 10 + 1);
	for (; filter.before_id != 0; pages++)
		filter.before_id = store_history_page(store, &filter, note_row, &got);
	assert_string_equal(str_text(&got), " 3 2 1");
	assert_int_equal(pages, 2);
}

static void assert_package(struct store *store, const char *attr, const char *wanted)
{
	cleanup_free char *package = store_package_of_attr(store, attr);

	if (wanted == NULL)
		assert_null(package);
	else
		assert_string_equal(package, wanted);
}

static void a_job_says_which_package_its_path_means(void **state)
{
	struct store *store = store_of(state);
	int64_t thin = store_case_context(store, 1, "8.6");
	int64_t fat = store_case_context(store, 1, "8.0,8.6");
	int64_t job = store_case_job(store, "python3Packages.torch", thin);
	int64_t build;

	assert_package(store, "python3Packages.torch", NULL); /* Not planned yet. */
	build = store_case_build(store, "python3.12-torch", BUILD_READY);
	store_begin(store);
	store_job_set_plan(store, job, build, 0, "{}");
	store_case_commit(store);
	assert_package(store, "python3Packages.torch", "python3.12-torch");
	(void)store_case_job(store, "python3Packages.torch", fat); /* It was in the cache. */
	assert_package(store, "python3Packages.torch", "python3.12-torch");
	assert_package(store, "torch", NULL);
	assert_false(store_history_knows(store, "python3.12-torch"));
	(void)add(store, new_attempt(store, build), "python3.12-torch", "8.6");
	assert_true(store_history_knows(store, "python3.12-torch"));
	assert_false(store_history_knows(store, "python3.12"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_is_what_was_written),
		TEST(pages_lead_through_one_package),
		TEST(sets_are_looked_for_in_bounds),
		TEST(a_job_says_which_package_its_path_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
