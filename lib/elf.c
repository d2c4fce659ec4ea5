#include "lib/elf.h"

#include <elf.h>
#include <string.h>

bool elf_is(struct bytes file)
{
	return bytes_begin(file, ELFMAG, SELFMAG);
}

static uint64_t number(const struct elf *elf, uint64_t offset, unsigned size)
{
	return bytes_number(elf->file, offset, size, elf->is_big);
}

/* The value of the field `member` of `type` at `offset`. */
#define FIELD(elf, offset, type, member)                                                           \
	number(elf, (offset) + offsetof(type, member), sizeof((type){ 0 }.member))

struct elf_section elf_section(const struct elf *elf, uint64_t i)
{
	uint64_t at = elf->sections_at + i * sizeof(Elf64_Shdr); /* elf_read() checked them all. */
	struct elf_section section = {
		.name = bytes_text(elf->names, FIELD(elf, at, Elf64_Shdr, sh_name)),
		.type = (uint32_t)FIELD(elf, at, Elf64_Shdr, sh_type),
		.flags = FIELD(elf, at, Elf64_Shdr, sh_flags),
		.address = FIELD(elf, at, Elf64_Shdr, sh_addr),
		.offset = FIELD(elf, at, Elf64_Shdr, sh_offset),
		.size = FIELD(elf, at, Elf64_Shdr, sh_size),
		.link = (uint32_t)FIELD(elf, at, Elf64_Shdr, sh_link),
		.info = (uint32_t)FIELD(elf, at, Elf64_Shdr, sh_info),
	};

	if (section.name == NULL)
		section.name = "";
	return section;
}

struct elf_segment elf_segment(const struct elf *elf, uint64_t i)
{
	uint64_t at = elf->segments_at + i * sizeof(Elf64_Phdr);

	return (struct elf_segment){
		.type = (uint32_t)FIELD(elf, at, Elf64_Phdr, p_type),
		.flags = (uint32_t)FIELD(elf, at, Elf64_Phdr, p_flags),
		.offset = FIELD(elf, at, Elf64_Phdr, p_offset),
		.address = FIELD(elf, at, Elf64_Phdr, p_vaddr),
		.size = FIELD(elf, at, Elf64_Phdr, p_filesz),
		.size_in_memory = FIELD(elf, at, Elf64_Phdr, p_memsz),
	};
}

struct bytes elf_section_bytes(const struct elf *elf, const struct elf_section *section)
{
	if (section->type == SHT_NOBITS)
		return (struct bytes){ NULL, 0 };
	return bytes_part(elf->file, section->offset, section->size);
}

/* `n` items of `size` bytes from `at` on are in the file. */
static bool holds_table(const struct elf *elf, uint64_t at, uint64_t n, uint64_t size)
{
	return n <= elf->file.size / size && bytes_hold(elf->file, at, n * size);
}

static bool read_sections(struct elf *elf)
{
	uint64_t names_in = FIELD(elf, 0, Elf64_Ehdr, e_shstrndx);

	if (elf->sections_at == 0)
		return true;
	if (FIELD(elf, 0, Elf64_Ehdr, e_shentsize) != sizeof(Elf64_Shdr) ||
		!holds_table(elf, elf->sections_at, 1, sizeof(Elf64_Shdr)))
		return false;
	/* What does not fit into the header stands in section 0. */
	elf->n_sections = FIELD(elf, 0, Elf64_Ehdr, e_shnum);
	if (elf->n_sections == 0)
		elf->n_sections = elf_section(elf, 0).size;
	if (names_in == SHN_XINDEX)
		names_in = elf_section(elf, 0).link;
	if (!holds_table(elf, elf->sections_at, elf->n_sections, sizeof(Elf64_Shdr)))
		return false;
	if (names_in < elf->n_sections) {
		struct elf_section names = elf_section(elf, names_in);

		elf->names = elf_section_bytes(elf, &names);
	}
	return true;
}

static bool read_segments(struct elf *elf)
{
	uint64_t n = FIELD(elf, 0, Elf64_Ehdr, e_phnum);

	if (elf->segments_at == 0 || n == 0)
		return true;
	if (n == PN_XNUM && elf->n_sections > 0)
		n = elf_section(elf, 0).info;
	elf->n_segments = n;
	return FIELD(elf, 0, Elf64_Ehdr, e_phentsize) == sizeof(Elf64_Phdr) &&
	       holds_table(elf, elf->segments_at, n, sizeof(Elf64_Phdr));
}

bool elf_read(struct bytes file, struct elf *out)
{
	struct elf elf = { .file = file };

	if (!elf_is(file) || file.size < sizeof(Elf64_Ehdr) || file.at[EI_CLASS] != ELFCLASS64)
		return false;
	elf.is_big = file.at[EI_DATA] == ELFDATA2MSB;
	elf.os_abi = file.at[EI_OSABI];
	elf.abi_version = file.at[EI_ABIVERSION];
	elf.type = (uint16_t)FIELD(&elf, 0, Elf64_Ehdr, e_type);
	elf.machine = (uint16_t)FIELD(&elf, 0, Elf64_Ehdr, e_machine);
	elf.flags = (uint32_t)FIELD(&elf, 0, Elf64_Ehdr, e_flags);
	elf.entry = FIELD(&elf, 0, Elf64_Ehdr, e_entry);
	elf.sections_at = FIELD(&elf, 0, Elf64_Ehdr, e_shoff);
	elf.segments_at = FIELD(&elf, 0, Elf64_Ehdr, e_phoff);
	if (!read_sections(&elf) || !read_segments(&elf))
		return false;
	*out = elf;
	return true;
}
