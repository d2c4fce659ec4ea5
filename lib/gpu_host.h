/* A host's library or program taken apart: its containers of device code, and the wrappers that
 * point to them. Pure. What lib/gpu_elf.c only counts, this keeps, so that it can be merged. */
#ifndef CAPQ_LIB_GPU_HOST_H
#define CAPQ_LIB_GPU_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/elf.h"
#include "lib/err.h"
#include "lib/gpu_wrapper.h"

/* The sections of containers, in the order in which they are numbered. */
#define GPU_HOST_SECTIONS 2

struct gpu_host_section {
	bool is_there;
	uint64_t index; /* In the table of sections. */
	struct elf_section header;
};

struct gpu_host_container {
	unsigned section;     /* One of GPU_HOST_SECTIONS. */
	uint64_t address;     /* In memory. */
	struct bytes whole;   /* With its header, */
	struct bytes entries; /* and without. */
};

#define GPU_HOST_NO_CONTAINER SIZE_MAX

struct gpu_host {
	struct elf elf;
	struct gpu_host_section sections[GPU_HOST_SECTIONS];
	struct gpu_host_container *containers; /* As they stand in the file, section by section. */
	size_t n_containers, capacity;
	uint64_t wrappers_in; /* Index of their section; 0: there is none. */
	struct gpu_wrapper *wrappers;
	size_t *points_to; /* Which container each wrapper means, or GPU_HOST_NO_CONTAINER. */
	uint64_t n_wrappers;
};

/* Take `file` apart. CAPQ_EINVAL says why that cannot be done: it is no finished ELF file of a
 * little-endian machine, it has no table of sections, it is damaged, or a wrapper points to what is
 * no container of these sections. The caller ends with gpu_host_finish(), also after a failure. */
int gpu_host_read(struct bytes file, struct gpu_host *out, struct err *err);
void gpu_host_finish(struct gpu_host *host);

/* The container at this address; GPU_HOST_NO_CONTAINER: none begins there. */
size_t gpu_host_find_container(const struct gpu_host *host, uint64_t address);

/* The section with this index holds containers and nothing else. */
bool gpu_host_is_device_section(const struct gpu_host *host, uint64_t index);

/* The segment with this index is what a merge adds (lib/gpu_merge.h): it begins with the table of
 * segments, and containers follow. */
bool gpu_host_is_tail(const struct gpu_host *host, uint64_t index);

#endif
