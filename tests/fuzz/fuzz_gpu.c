/* GPUs' names: whatever is asked for, an answer is a capability of the table, and a refusal says
 * why. */
#include "lib/gpu.h"
#include "tests/fuzz/fuzz.h"

static struct gpu_table table;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *name = fuzz_text(data, size), *bytes = fuzz_bytes(data, size);
	struct capability c = { 0 };
	struct gpu_table read;
	struct err err = { 0 };

	if (table.n == 0)
		gpu_table_load(&table);
	if (gpu_find(&table, name, &c, &err) == 0)
		CHECK(c.major > 0 && c.suffix == '\0');
	else
		CHECK((err.code == CAPQ_EINVAL || err.code == CAPQ_ENOTFOUND) &&
			err.text[0] != '\0');
	(void)gpu_matches(&table.gpus[0], name);
	(void)gpu_of_device_tree(bytes, size, &c);
	if (gpu_table_read(name, &read, &err) == 0)
		gpu_table_finish(&read);
	return 0;
}
