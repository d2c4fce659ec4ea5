/* What `nix path-info --json` printed, or something quite else. */
#include <stddef.h>
#include <stdint.h>

#include "push/path_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct path_infos infos = { 0 };
	struct err err;

	if (path_infos_read(&infos, (const char *)data, size, &err) == 0) {
		path_infos_sort(&infos);
		for (size_t i = 0; i < infos.n; i++)
			if (path_infos_find(&infos, infos.items[i].path) != &infos.items[i])
				__builtin_trap(); /* Sorted, each path once. */
	}
	path_infos_free(&infos);
	return 0;
}
