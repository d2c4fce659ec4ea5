/* Nix's event stream and its messages: any line has a meaning, and none is harmful to look at. */
#include "lib/nix_error.h"
#include "lib/nix_event.h"
#include "tests/fuzz/fuzz.h"

static void check_printable(const char *text)
{
	CHECK(str_is_utf8(text, strlen(text)));
	for (const char *p = text; *p != '\0'; p++)
		CHECK((unsigned char)*p >= 0x20 ? *p != 0x7f : *p == '\t' || *p == '\n');
}

static bool is_fixed(void *owner, const char *drv)
{
	(void)owner;
	CHECK(store_path_is_drv(drv));
	return drv[12] < 'h';
}

static void check_error(const char *text)
{
	struct nix_error error;

	nix_error_read(text, is_fixed, NULL, &error);
	CHECK(error.class >= FAILURE_NONE && error.class < FAILURE_CLASSES);
	CHECK(error.drv[0] == '\0' || store_path_is_drv(error.drv));
}

static void check_line(const char *line, size_t len)
{
	struct nix_event event;

	nix_event_parse(line, len, &event);
	CHECK((event.document == NULL) == (event.action == NIX_TEXT));
	check_printable(str_text(&event.text));
	for (size_t i = 0; i < 5; i++) {
		(void)nix_event_text_field(&event, i);
		(void)nix_event_int_field(&event, i);
	}
	(void)nix_event_is_progress(line, len);
	check_error(str_text(&event.text));
	nix_event_finish(&event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *bytes = fuzz_bytes(data, size);
	const char *start = bytes, *end = bytes + size;

	while (start < end) {
		const char *newline = memchr(start, '\n', (size_t)(end - start));
		const char *stop = newline == NULL ? end : newline;
		cleanup_free char *line =
			fuzz_bytes((const uint8_t *)start, (size_t)(stop - start));

		check_line(line, (size_t)(stop - start));
		start = stop + 1;
	}
	return 0;
}
