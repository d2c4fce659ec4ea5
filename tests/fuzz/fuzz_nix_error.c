/* What Nix said went wrong: a class that exists, and a derivation or none. */
#include "lib/nix_error.h"
#include "tests/fuzz/fuzz.h"

static bool is_fixed(void *owner, const char *drv)
{
	(void)owner;
	CHECK(store_path_is_drv(drv));
	return drv[strlen(drv) - 5] % 2 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	struct nix_error error, alone;

	nix_error_read(text, is_fixed, NULL, &error);
	nix_error_read(text, NULL, NULL, &alone);
	CHECK(error.class < FAILURE_CLASSES);
	CHECK(error.drv[0] == '\0' || store_path_is_drv(error.drv));
	CHECK(strcmp(error.drv, alone.drv) == 0);
	CHECK(error.class == alone.class || error.class == FAILURE_NETWORK);
	return 0;
}
