/* Capability sets: what is taken has one canonical text, which is taken as the same set. */
#include "lib/capability.h"
#include "tests/fuzz/fuzz.h"

static void check_set(const struct capability_set *set)
{
	CHECK(set->n >= 1 && set->n <= CAPABILITIES_MAX);
	for (size_t i = 0; i < set->n; i++) {
		char text[CAPABILITY_TEXT_MAX];
		struct capability again;

		CHECK(i == 0 || capability_compare(set->items[i - 1], set->items[i]) < 0);
		capability_format(set->items[i], text);
		CHECK(capability_parse(text, &again, NULL) == 0);
		CHECK(capability_compare(set->items[i], again) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	char once[CAPABILITY_SET_TEXT_MAX], twice[CAPABILITY_SET_TEXT_MAX];
	struct capability_set set, again;
	struct err err = { 0 };

	if (capability_set_parse(text, &set, &err) < 0) {
		CHECK(err.code == CAPQ_EINVAL || err.code == CAPQ_ETOOBIG);
		CHECK(err.text[0] != '\0');
		return 0;
	}
	check_set(&set);
	capability_set_format(&set, once);
	CHECK(capability_set_parse(once, &again, NULL) == 0);
	CHECK(again.ptx == set.ptx && again.n == set.n);
	capability_set_format(&again, twice);
	CHECK(strcmp(once, twice) == 0);
	return 0;
}
