/* The Range header. What is taken is a part of what is there, or begins behind its end. */
#include "daemon/api/range.h"
#include "tests/fuzz/fuzz.h"

static void check(const char *text, int64_t size)
{
	struct range range = { -1, -1, false };

	if (!range_parse(text, size, &range)) {
		CHECK(range.from == -1 && range.to == -1);
		return;
	}
	CHECK(range.is_partial);
	CHECK(range.from >= 0 && range.to <= size);
	CHECK(range.from < range.to || range.from >= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);

	check(text, 0);
	check(text, 1000);
	check(text, INT64_MAX);
	return 0;
}
