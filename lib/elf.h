/* ELF files, as far as one has to read them to find data inside. Pure, bounds-checked, 64 bits,
 * both byte orders. Constants are those of <elf.h>. */
#ifndef CAPQ_LIB_ELF_H
#define CAPQ_LIB_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"

struct elf {
	struct bytes file;
	bool is_big; /* Numbers have their highest byte first. */
	uint8_t os_abi, abi_version;
	uint16_t type, machine;
	uint32_t flags;
	uint64_t entry;       /* Where a program begins. */
	uint64_t sections_at; /* Offset of the section table. */
	uint64_t n_sections;  /* 0: there is no table. */
	uint64_t segments_at;
	uint64_t n_segments;
	struct bytes names; /* Of sections. */
};

struct elf_section {
	const char *name; /* "" when it has none. */
	uint32_t type;
	uint64_t flags, address, offset, size;
	uint32_t link, info;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, address, size; /* Size in the file, */
	uint64_t size_in_memory;        /* and there. */
};

bool elf_is(struct bytes file); /* It says that it is an ELF file. */

/* Read the header. False: it is no 64-bit ELF file, or its tables lie outside of it. */
bool elf_read(struct bytes file, struct elf *out);

/* One of n_sections, n_segments. */
struct elf_section elf_section(const struct elf *elf, uint64_t i);
struct elf_segment elf_segment(const struct elf *elf, uint64_t i);

/* What it holds; empty when it lies outside of the file. */
struct bytes elf_section_bytes(const struct elf *elf, const struct elf_section *section);

#endif
