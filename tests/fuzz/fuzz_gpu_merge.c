/* Two files in one input: nothing is read beyond their ends, and what can be merged is right: read
 * again it has all, and merged again it is the same. */
#include "lib/gpu_merge.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

#define RESULT_MAX (1 << 20) /* Larger ones are mostly zeros, and take long. */

static int append(void *owner, struct bytes part, struct err *err)
{
	struct str *out = owner;

	(void)err;
	if (part.at != NULL) {
		str_add_bytes(out, part.at, part.size);
		return 0;
	}
	for (uint64_t i = 0; i < part.size; i++)
		str_add_char(out, '\0');
	return 0;
}

static void check_result(struct spliced *result, const struct gpu_merge_input *inputs)
{
	cleanup_str struct str bytes = { 0 };
	struct gpu_merge_input merged;
	struct err err = { 0 };

	CHECK(result->size >= inputs[0].file.size || !spliced_is_base(result));
	if (result->size > RESULT_MAX)
		return;
	CHECK(spliced_write(result, append, &bytes, NULL) == 0);
	CHECK(bytes.len == result->size);
	merged = (struct gpu_merge_input){ .file = { (unsigned char *)bytes.text, bytes.len } };
	if (gpu_merge_verify(&merged, inputs, 2, &err) < 0)
		CHECK(err.text[0] != '\0'); /* Strange files; they are never written. */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpu_merge_input inputs[2] = { 0 };
	cleanup_free char *first = NULL, *second = NULL;
	struct spliced result;
	struct err err = { 0 };
	size_t split, culprit;

	if (size < 4)
		return 0;
	split = (size_t)bytes_u32((struct bytes){ data, size }, 0) % (size - 3);
	first = fuzz_bytes(data + 4, split);
	second = fuzz_bytes(data + 4 + split, size - 4 - split);
	inputs[0].file = (struct bytes){ (unsigned char *)first, split };
	inputs[1].file = (struct bytes){ (unsigned char *)second, size - 4 - split };
	if (gpu_merge(inputs, 2, &result, &culprit, &err) < 0) {
		CHECK(err.code == CAPQ_EINVAL || err.code == CAPQ_ETOOBIG);
		CHECK(err.text[0] != '\0' && culprit < 2);
		return 0;
	}
	check_result(&result, inputs);
	spliced_finish(&result);
	return 0;
}
