/* What the outputs of builds were seen to hold, in the data base. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/code.h"
#include "lib/mem.h"
#include "tests/support/store_case.h"

static void set(struct store *store, int64_t build, const struct code_seen *seen,
	const struct code_file *files, size_t n)
{
	store_begin(store);
	store_code_set(store, build, seen);
	for (size_t i = 0; i < n; i++)
		store_code_file_add(store, build, &files[i]);
	store_case_commit(store);
}

static void note_file(void *owner, const struct code_file *file)
{
	struct str *out = owner;

	str_addf(out, "%s %s %s %s; ", file->path, file->kinds,
		file->lacks == NULL ? "-" : file->lacks, file->error == NULL ? "-" : file->error);
}

static void note_outputs(void *owner, const char *outputs)
{
	str_addf(owner, "%s;", outputs);
}

static void assert_files(struct store *store, int64_t build, const char *wanted)
{
	cleanup_str struct str files = { 0 };

	store_code_files_each(store, build, note_file, &files);
	assert_string_equal(str_text(&files), wanted);
}

static void the_newest_look_counts(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t build = store_case_build(store, "torch-1", BUILD_VERIFYING);
	const struct code_file files[] = { { "/b", "[]", NULL, "damaged" },
		{ "/a", "[1]", "sm_86", NULL } };
	struct code_seen lacks = { .verdict = VERDICT_LACKS,
		.is_required = true,
		.is_refused = true,
		.asked = (char *)"8.6 9.0",
		.reason = (char *)"/a lacks sm_86",
		.n_files = 1,
		.kinds = (char *)"[1]",
		.at = 5000 };
	struct code_seen holds = {
		.verdict = VERDICT_HOLDS, .asked = (char *)"8.6", .kinds = (char *)"[]", .at = 6000
	};
	struct code_seen seen;

	assert_false(store_code_get(store, build, &seen));
	set(store, build, &lacks, files, ARRAY_LEN(files));
	assert_true(store_code_get(store, build, &seen));
	assert_int_equal(seen.verdict, VERDICT_LACKS);
	assert_true(seen.is_required && seen.is_refused);
	assert_string_equal(seen.asked, "8.6 9.0");
	assert_string_equal(seen.reason, "/a lacks sm_86");
	assert_int_equal(seen.n_files, 1);
	assert_int_equal(seen.at, 5000);
	code_seen_finish(&seen);
	assert_files(store, build, "/a [1] sm_86 -; /b [] - damaged; ");

	set(store, build, &holds, NULL, 0);
	assert_true(store_code_get(store, build, &seen));
	assert_int_equal(seen.verdict, VERDICT_HOLDS);
	assert_false(seen.is_required || seen.is_refused);
	assert_null(seen.reason);
	code_seen_finish(&seen);
	assert_files(store, build, "");
}

static void who_is_refused(void **state)
{
	struct store *store = ((struct store_case *)*state)->store;
	int64_t bad = store_case_build(store, "bad-1", BUILD_FAILED);
	int64_t good = store_case_build(store, "good-1", BUILD_DONE);
	struct code_seen seen = {
		.verdict = VERDICT_LACKS, .asked = (char *)"8.6", .kinds = (char *)"[]", .at = 5000
	};
	cleanup_str struct str refused = { 0 };

	set(store, good, &seen, NULL, 0);
	seen.is_refused = true;
	set(store, bad, &seen, NULL, 0);
	store_code_refused_each(store, note_outputs, &refused);
	assert_string_equal(str_text(&refused), "{};");
	str_clear(&refused);
	store_begin(store);
	store_code_forget(store, bad);
	store_case_commit(store);
	assert_false(store_code_get(store, bad, &seen));
	store_code_refused_each(store, note_outputs, &refused);
	assert_string_equal(str_text(&refused), "");
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, store_case_setup, store_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(the_newest_look_counts),
		WITH_STORE(who_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
