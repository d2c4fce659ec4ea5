/* Until CUDA 12 the architecture is the low byte of the ELF flags, and 0x800 there means "a"; the
 * ABI version is 7. CUDA 13 (ABI version 8) has it in the next byte, and no suffix: that is found
 * in the options that the assembler noted. */
#include "lib/cubin.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>

#include "lib/str.h"

#define MACHINE_CUDA 190
#define FLAG_ABI7_A 0x800

bool cubin_is(const struct elf *elf)
{
	return elf->machine == MACHINE_CUDA;
}

bool cubin_has_code(struct bytes file)
{
	struct elf elf;

	if (!elf_read(file, &elf) || elf.n_sections == 0)
		return true;
	for (uint64_t i = 0; i < elf.n_sections; i++) {
		struct elf_section section = elf_section(&elf, i);

		if (str_starts(section.name, ".text.") && section.size > 0)
			return true;
	}
	return false;
}

/* The suffix behind "-arch sm_100f" in the note. */
static char suffix_in_note(struct bytes note)
{
	static const char wanted[] = "-arch sm_";
	uint64_t at = bytes_find(note, 0, wanted, sizeof wanted - 1);

	if (at == UINT64_MAX)
		return '\0';
	for (at += sizeof wanted - 1; at < note.size && isdigit(note.at[at]); at++)
		;
	if (at < note.size && (note.at[at] == 'a' || note.at[at] == 'f'))
		return (char)note.at[at];
	return '\0';
}

bool cubin_arch(const struct elf *elf, unsigned *arch, char *suffix)
{
	*suffix = '\0';
	if (elf->abi_version < 8) {
		*arch = elf->flags & 0xff;
		if (elf->flags & FLAG_ABI7_A)
			*suffix = 'a';
		return *arch > 0;
	}
	*arch = elf->flags >> 8 & 0xff;
	for (uint64_t i = 0; i < elf->n_sections; i++) {
		struct elf_section section = elf_section(elf, i);

		if (strcmp(section.name, ".note.nv.tkinfo") == 0)
			*suffix = suffix_in_note(elf_section_bytes(elf, &section));
	}
	return *arch > 0;
}
