/* Whatever a trace holds: it is refused with its line, or can be played by its rows alone. */
#include "sim/trace.h"
#include "tests/fuzz/fuzz.h"

static void check_rows(const struct trace *trace)
{
	CHECK(trace->n > 0 && trace->n_packages > 0);
	for (size_t i = 0; i < trace->n; i++) {
		const struct row *row = &trace->rows[i];

		CHECK(row->id[0] != '\0' && row->package[0] != '\0');
		CHECK(trace->work_ms[i] >= 0);
		CHECK(i == 0 || row->submit_ms >= trace->rows[i - 1].submit_ms);
		CHECK(row->package_index < trace->n_packages);
		CHECK(row->older == ROW_NONE || row->older < i);
		for (uint32_t k = 0; k < row->n_needs; k++)
			CHECK(row->needs[k] < i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_bytes(data, size);
	struct err err = { 0 };
	struct trace trace;

	if (trace_parse(&trace, text, size, NULL, 0, &err) == 0)
		check_rows(&trace);
	else
		CHECK(strncmp(err.text, "trace:", 6) == 0);
	trace_finish(&trace);
	return 0;
}
