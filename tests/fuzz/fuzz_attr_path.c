/* Attribute paths: the canonical text is no longer than any, and names the same elements. */
#include "lib/attr_path.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	char once[2 * ATTR_PATH_TEXT_MAX], twice[2 * ATTR_PATH_TEXT_MAX];
	struct attr_path path, again;
	struct err err = { 0 };

	if (attr_path_parse(text, &path, &err) < 0) {
		CHECK(err.code == CAPQ_EINVAL && err.text[0] != '\0');
		return 0;
	}
	CHECK(path.n >= 1 && path.n <= ATTR_PATH_ELEMENTS_MAX);
	attr_path_format(&path, once);
	CHECK(strlen(once) <= ATTR_PATH_TEXT_MAX);
	CHECK(attr_path_parse(once, &again, NULL) == 0);
	CHECK(again.n == path.n);
	for (size_t i = 0; i < path.n; i++)
		CHECK(path.elements[i][0] != '\0' &&
			strcmp(path.elements[i], again.elements[i]) == 0);
	attr_path_format(&again, twice);
	CHECK(strcmp(once, twice) == 0);
	return 0;
}
