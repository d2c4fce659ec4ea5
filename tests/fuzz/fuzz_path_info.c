/* What `nix path-info --json` printed, or something quite else. What is taken is found again, each
 * path once; what is refused leaves nothing. */
#include "lib/store_path.h"
#include "push/path_info.h"
#include "tests/fuzz/fuzz.h"

static void check_info(const struct path_info *info)
{
	CHECK(store_path_is_valid(info->path, strlen(info->path)));
	CHECK(info->deriver == NULL || store_path_is_valid(info->deriver, strlen(info->deriver)));
	for (size_t i = 0; i < info->n_references; i++) {
		CHECK(store_path_is_valid(info->references[i], strlen(info->references[i])));
		CHECK(i == 0 || strcmp(info->references[i - 1], info->references[i]) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *json = fuzz_bytes(data, size);
	struct path_infos infos = { 0 };
	struct err err = { 0 };

	if (path_infos_read(&infos, json, size, &err) < 0)
		CHECK(err.text[0] != '\0' && infos.n == 0);
	path_infos_sort(&infos);
	for (size_t i = 0; i < infos.n; i++) {
		check_info(&infos.items[i]);
		CHECK(path_infos_find(&infos, infos.items[i].path) == &infos.items[i]);
	}
	path_infos_free(&infos);
	return 0;
}
