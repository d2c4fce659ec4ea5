/* Times, durations and sizes: what is read is written so that it is read as the same; every number
 * has a text that fits. */
#include "lib/time_text.h"
#include "tests/fuzz/fuzz.h"

static void check_number(int64_t n)
{
	char text[TIME_TEXT_MAX];
	int64_t again;

	duration_to_text(n, text);
	CHECK(strlen(text) < sizeof text - 1);
	size_to_text(n, text);
	CHECK(strlen(text) < sizeof text - 1);
	time_to_rfc3339(n, text);
	CHECK(strlen(text) < sizeof text - 1);
	if (time_from_rfc3339(text, &again))
		CHECK(again == n);
}

static void check_text(const char *text)
{
	char again[TIME_TEXT_MAX];
	int64_t n, same;

	if (duration_from_text(text, &n)) {
		CHECK(n >= 0);
		duration_to_config(n, again);
		CHECK(duration_from_text(again, &same) && same == n);
	}
	if (size_from_text(text, &n)) {
		CHECK(n >= 0);
		size_to_config(n, again);
		CHECK(size_from_text(again, &same) && same == n);
	}
	if (time_from_rfc3339(text, &n)) {
		time_to_rfc3339(n, again);
		CHECK(strcmp(text, again) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	int64_t n;

	if (size >= sizeof n) {
		memcpy(&n, data, sizeof n);
		check_number(n);
	}
	check_text(text);
	return 0;
}
