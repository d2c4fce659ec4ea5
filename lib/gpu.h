/* GPUs: which compute capability one has, by its name, its PCI id, or what a Jetson's device tree
 * says. Pure; the table is etc/gpus.tsv, embedded. */
#ifndef CAPQ_LIB_GPU_H
#define CAPQ_LIB_GPU_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/capability.h"
#include "lib/err.h"

struct gpu {
	const char *name; /* "GeForce RTX 3090" */
	struct capability capability;
	const char *chip;  /* "GA102" */
	unsigned pci_id;   /* Device id of vendor 10de; 0: none. */
	const char *class; /* "datacenter", "workstation", "geforce", "jetson", "other" */
	bool is_ambiguous; /* Others of that name have another capability. */
};

/* The lines of the table. */
struct gpu_table {
	struct gpu *gpus; /* In order: by capability, then by name. */
	size_t n;
	char *text; /* Owns their strings. */
};

/* Read a table, which is copied. CAPQ_EINVAL names the line. The caller ends with
 * gpu_table_finish(). */
int gpu_table_read(const char *text, struct gpu_table *out, struct err *err);
void gpu_table_finish(struct gpu_table *table);

/* The embedded one. */
void gpu_table_load(struct gpu_table *out);

/* The capability of what `name` names: a GPU in the words of its maker, of its driver or of people
 * ("NVIDIA A100-SXM4-80GB", "rtx3080ti", "Orin (nvgpu)"), a chip ("AD102"), or a capability
 * ("8.6"). CAPQ_ENOTFOUND names similar ones; CAPQ_EINVAL: several GPUs with different capabilities
 * are called so. */
int gpu_find(
	const struct gpu_table *table, const char *name, struct capability *out, struct err *err);

/* NULL: not in the table. */
const struct gpu *gpu_by_pci_id(const struct gpu_table *table, unsigned pci_id);

/* The capability of the Tegra in `compatible`, the `len` bytes of a device tree's property: strings
 * such as "nvidia,tegra234", each with a NUL behind it. */
bool gpu_of_device_tree(const char *compatible, size_t len, struct capability *out);

/* `pattern` is part of it: every word of it in the name, or the chip, or the capability. Case is
 * ignored. */
bool gpu_matches(const struct gpu *gpu, const char *pattern);

#endif
