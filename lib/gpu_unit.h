/* Filling a struct gpu_code (lib/gpu_code.h), container by container. */
#ifndef CAPQ_LIB_GPU_UNIT_H
#define CAPQ_LIB_GPU_UNIT_H

#include "lib/gpu_code.h"

/* The bit of an architecture, which is noted when it is new. CAPQ_ETOOBIG: there are too many. */
int gpu_arch_bit(struct gpu_code *code, struct gpu_arch arch, uint64_t *out, struct err *err);

/* Read the container at the beginning of `bytes`; `*out_size` is its size. */
int gpu_unit_read(struct gpu_code *code, struct bytes bytes, struct gpu_unit *out,
	uint64_t *out_size, struct err *err);

/* A container is there, whole and not empty: to tell one from data that happens to look so. */
bool gpu_unit_is_there(struct bytes bytes);

/* All machine code of the container is for the device linker. */
bool gpu_unit_is_relocatable(struct bytes bytes, struct inflater *inflater);

/* It holds nothing but stubs, and what goes with them: PTX of the same source, which then has no
 * function either. */
bool gpu_unit_is_stub(const struct gpu_unit *unit);

/* Note what was read, and count it as a unit if it is one. CAPQ_ETOOBIG: there are too many. */
int gpu_unit_add(struct gpu_code *code, const struct gpu_unit *unit, struct err *err);

/* Add what the host ELF file `file` holds (lib/gpu_elf.c). */
int gpu_elf_read(struct bytes file, struct gpu_code *code, struct err *err);

#endif
