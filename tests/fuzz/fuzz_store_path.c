/* Store paths and Nix's base 32. */
#include "lib/store_path.h"
#include "tests/fuzz/fuzz.h"

static void check_path(const uint8_t *data, size_t size)
{
	cleanup_free char *bytes = fuzz_bytes(data, size);
	cleanup_free char *path = NULL;
	char package[STORE_PATH_MAX], small[4];

	if (!store_path_is_valid(bytes, size))
		return;
	CHECK(size < STORE_PATH_MAX && memchr(bytes, '\0', size) == NULL);
	path = fuzz_text(data, size);
	CHECK(strlen(store_path_base(path)) == strlen(store_path_name(path)) + STORE_HASH_LEN + 1);
	CHECK(strlen(store_path_name(path)) >= 1 && strlen(store_path_name(path)) <= 211);
	(void)store_path_is_drv(path);
	store_path_package(store_path_name(path), package, sizeof package);
	CHECK(strncmp(package, store_path_name(path), strlen(package)) == 0);
	store_path_package(store_path_name(path), small, sizeof small);
	CHECK(strncmp(package, small, sizeof small - 1) == 0);
}

/* Bytes to text and back. */
static void check_encoding(const uint8_t *data, size_t size)
{
	cleanup_free unsigned char *back = xmalloc(size);
	cleanup_free char *text = NULL;

	if (size == 0 || size > 100)
		return;
	text = xmalloc(NIX32_LEN(size) + 1);
	nix32_encode(data, size, text);
	CHECK(strlen(text) == NIX32_LEN(size));
	CHECK(nix32_decode(text, back, size));
	CHECK(memcmp(back, data, size) == 0);
}

/* Text to bytes and back: no two texts mean the same bytes. */
static void check_decoding(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_bytes(data, size);
	unsigned char bytes[100];
	char back[NIX32_LEN(sizeof bytes) + 1];
	size_t len = size * 5 / 8;

	if (len == 0 || len > sizeof bytes || NIX32_LEN(len) != size)
		return;
	if (!nix32_decode(text, bytes, len))
		return;
	nix32_encode(bytes, len, back);
	CHECK(memcmp(text, back, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_path(data, size);
	check_encoding(data, size);
	check_decoding(data, size);
	return 0;
}
