/* A stream means the same however it is cut: in one piece, or in pieces of the length that the
 * input's first byte says. */
#include "client/sse.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

/* False: the parser refused, and what it had given until then depends on the cut. */
static bool read_in_pieces(const char *stream, size_t len, size_t piece, struct str *out)
{
	struct sse_event event;
	struct sse sse = { 0 };
	bool taken = true;

	for (size_t at = 0; at < len && taken; at += piece) {
		taken = sse_feed(&sse, stream + at, len - at < piece ? len - at : piece, NULL) == 0;
		while (taken && sse_next(&sse, &event)) {
			str_addf(out, "%s#%s=", event.name, event.id);
			str_add_bytes(out, event.data, event.data_len + 1);
		}
	}
	sse_finish(&sse);
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_str struct str whole = { 0 }, pieces = { 0 };
	cleanup_free char *stream = NULL;

	if (size == 0)
		return 0;
	stream = fuzz_bytes(data + 1, size - 1);
	if (read_in_pieces(stream, size - 1, size, &whole) &&
		read_in_pieces(stream, size - 1, (size_t)data[0] + 1, &pieces))
		CHECK(whole.len == pieces.len &&
			memcmp(str_text(&whole), str_text(&pieces), whole.len) == 0);
	return 0;
}
