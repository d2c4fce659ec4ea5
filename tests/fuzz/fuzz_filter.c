/* The names of states that a list is asked for, and the names that revisions have. */
#include "daemon/api/filter.h"
#include "lib/job.h"
#include "lib/rev_name.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

static void check_states(const char *text)
{
	uint32_t jobs = 0, builds = 0;
	struct err err = { 0 };

	if (filter_job_states(text, &jobs, &err))
		CHECK(jobs < 1u << JOB_STATES);
	else
		CHECK(err.text[0] != '\0');
	if (filter_build_states(text, &builds, NULL))
		CHECK(builds < 1u << BUILD_STATES);
}

static void check_rev(const char *text)
{
	if (!rev_name_is_valid(text)) {
		CHECK(!rev_is_full_hash(text) && !rev_is_short_hash(text));
		return;
	}
	CHECK(strlen(text) <= REV_NAME_MAX && text[0] != '-' && text[0] != '\0');
	CHECK(strpbrk(text, " ~^:?*[\\\x7f") == NULL && strstr(text, "..") == NULL);
	CHECK(str_is_utf8(text, strlen(text)));
	CHECK(!rev_is_full_hash(text) || rev_is_short_hash(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);

	check_states(text);
	check_rev(text);
	return 0;
}
