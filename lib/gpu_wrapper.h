/* Wrappers: what a host program registers its device code with. Pure.
 *
 * The section .nvFatBinSegment is an array of them: u32 magic 466243B1, u32 version, u64 pointer to
 * a container, u64 pointer (fatbinary_section.h of CUDA). The first pointer is set by a relocation,
 * which GNU ld repeats in place on x86-64 and lld does not; in a program at a fixed address, and
 * with packed relocations (RELR), what stands in place is all there is. */
#ifndef CAPQ_LIB_GPU_WRAPPER_H
#define CAPQ_LIB_GPU_WRAPPER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/elf.h"

#define GPU_WRAPPER_SECTION ".nvFatBinSegment"
#define GPU_WRAPPER_SIZE 24
#define GPU_WRAPPER_POINTER 8 /* Where in a wrapper its first pointer is. */
#define GPU_WRAPPER_LINKED 2  /* The version of those that the device linker made, */
#define GPU_WRAPPER_LINKED_BEGIN "\xb1\x43\x62\x46\x02\0\0\0" /* and how they begin. */

struct gpu_wrapper {
	uint32_t version;   /* 0: it is none. */
	uint64_t pointer;   /* Where the container is in memory; 0: not known. */
	uint64_t word_at;   /* Where in the file the pointer stands, */
	uint64_t addend_at; /* and what its relocation sets it to. 0: it has none. */
};

/* The wrappers of `section` in their order; the caller frees them. */
struct gpu_wrapper *gpu_wrappers_read(
	const struct elf *elf, const struct elf_section *section, uint64_t *out_n);

#endif
