#include "lib/gpu_wrapper.h"

#include <elf.h>

#include "lib/mem.h"

#define WRAPPER_MAGIC 0x466243b1
#define WRAPPER_VERSION 4

/* Pointers that relocations set: those without a symbol, which stand for an address. */
static void apply_relocations(const struct elf *elf, const struct elf_section *table,
	const struct elf_section *section, struct gpu_wrapper *out, uint64_t n)
{
	struct bytes data = elf_section_bytes(elf, table);

	for (uint64_t at = 0; bytes_hold(data, at, sizeof(Elf64_Rela)); at += sizeof(Elf64_Rela)) {
		uint64_t slot =
			bytes_number(data, at + offsetof(Elf64_Rela, r_offset), 8, elf->is_big) -
			section->address;
		uint64_t addend_at = at + offsetof(Elf64_Rela, r_addend), info;

		if (slot / GPU_WRAPPER_SIZE >= n || slot % GPU_WRAPPER_SIZE != GPU_WRAPPER_POINTER)
			continue;
		info = bytes_number(data, at + offsetof(Elf64_Rela, r_info), 8, elf->is_big);
		if (ELF64_R_SYM(info) != 0)
			continue;
		out[slot / GPU_WRAPPER_SIZE].pointer =
			bytes_number(data, addend_at, 8, elf->is_big);
		out[slot / GPU_WRAPPER_SIZE].addend_at = table->offset + addend_at;
	}
}

struct gpu_wrapper *gpu_wrappers_read(
	const struct elf *elf, const struct elf_section *section, uint64_t *out_n)
{
	struct bytes data = elf_section_bytes(elf, section);
	uint64_t n = data.size / GPU_WRAPPER_SIZE;
	struct gpu_wrapper *wrappers = xcalloc(n, sizeof *wrappers);

	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = i * GPU_WRAPPER_SIZE;

		wrappers[i].word_at = section->offset + at + GPU_WRAPPER_POINTER;
		if (bytes_number(data, at, 4, elf->is_big) != WRAPPER_MAGIC)
			continue;
		wrappers[i].version =
			(uint32_t)bytes_number(data, at + WRAPPER_VERSION, 4, elf->is_big);
		wrappers[i].pointer = bytes_number(data, at + GPU_WRAPPER_POINTER, 8, elf->is_big);
	}
	for (uint64_t i = 0; i < elf->n_sections; i++) {
		struct elf_section table = elf_section(elf, i);

		if (table.type == SHT_RELA && (table.flags & SHF_ALLOC))
			apply_relocations(elf, &table, section, wrappers, n);
	}
	*out_n = n;
	return wrappers;
}
