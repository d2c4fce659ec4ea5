#include "lib/host_same.h"

#include <elf.h>
#include <string.h>

#include "lib/host_code.h"
#include "lib/host_tables.h"
#include "lib/host_unwind.h"

#ifndef SHT_RELR
#define SHT_RELR 19
#endif

/* Relocations first: they say which data are addresses. */
static int compare_relocations(struct host_pair *pair, struct err *err)
{
	int rv = 0;

	for (uint64_t i = 1; i < pair->a->elf.n_sections && rv == 0; i++) {
		struct elf_section section = elf_section(&pair->a->elf, i);

		if (!(section.flags & SHF_ALLOC))
			continue;
		if (section.type == SHT_RELA)
			rv = host_compare_relocations(pair, i, err);
		else if (section.type == SHT_RELR)
			rv = host_compare_packed(pair, i, err);
		else if (section.type == SHT_REL)
			return err_set(err, CAPQ_EINVAL, "section %s is of a kind not understood",
				section.name);
	}
	host_pair_sort_slots(pair);
	return rv;
}

/* The linker puts the address of .dynamic into the first word, and those of code that binds
 * functions when they are first called into those behind, which relocations name. */
static void note_first_slot(struct host_pair *pair, const struct elf_section *section)
{
	if (strcmp(section->name, ".got") == 0 || strcmp(section->name, ".got.plt") == 0)
		host_pair_add_slot(pair, section->address);
}

static void note_slots_of_linker(struct host_pair *pair)
{
	for (uint64_t i = 1; i < pair->a->elf.n_sections; i++) {
		struct elf_section section = elf_section(&pair->a->elf, i);

		note_first_slot(pair, &section);
	}
}

/* While nothing has moved, what is the same is equal. */
static int compare_code(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	if (!pair->is_moved)
		return host_pair_compare_bytes(pair, section, err);
	if (pair->a->elf.type != ET_DYN)
		return err_set(err, CAPQ_EINVAL,
			"sections have moved, and in a program for a fixed address (not PIE) "
			"nothing tells addresses from other numbers");
	switch (pair->a->elf.machine) {
	case EM_X86_64:
		return host_compare_x86_64(pair, section, err);
	case EM_AARCH64:
		return host_compare_arm64(pair, section, err);
	default:
		return err_set(err, CAPQ_EINVAL, "code of machine %u is not understood",
			(unsigned)pair->a->elf.machine);
	}
}

static int compare_data(
	const struct host_pair *pair, const struct host_section *section, struct err *err)
{
	if (pair->is_moved && strcmp(section->name, ".eh_frame") == 0)
		return host_compare_eh_frame(pair, section, err);
	if (pair->is_moved && strcmp(section->name, ".eh_frame_hdr") == 0)
		return host_compare_eh_frame_hdr(pair, section, err);
	if (pair->is_moved && strcmp(section->name, ".gcc_except_table") == 0)
		return host_compare_except_table(pair, section, err);
	return host_pair_compare_bytes(pair, section, err);
}

static int compare_section(const struct host_pair *pair, uint64_t i, struct err *err)
{
	struct elf_section header = elf_section(&pair->a->elf, i);
	struct host_section section = host_pair_section(pair, i);

	if (!(header.flags & SHF_ALLOC) || header.type == SHT_NOBITS || header.type == SHT_RELA ||
		header.type == SHT_RELR || gpu_host_is_device_section(pair->a, i) ||
		strcmp(header.name, HOST_BUILD_ID) == 0)
		return 0;
	if (header.type == SHT_DYNSYM)
		return host_compare_symbols(pair, i, err);
	if (header.type == SHT_DYNAMIC)
		return host_compare_dynamic(pair, i, err);
	if (i == pair->a->wrappers_in)
		return host_compare_wrappers(pair, i, err);
	if (header.flags & SHF_EXECINSTR)
		return compare_code(pair, &section, err);
	return compare_data(pair, &section, err);
}

static int compare_all(struct host_pair *pair, struct err *err)
{
	int rv;

	if (pair->a->n_wrappers != pair->b->n_wrappers)
		return err_set(err, CAPQ_EINVAL, "they register different numbers of containers");
	note_slots_of_linker(pair);
	rv = compare_relocations(pair, err);
	for (uint64_t i = 1; i < pair->a->elf.n_sections && rv == 0; i++)
		rv = compare_section(pair, i, err);
	return rv;
}

int host_same(
	const struct gpu_host *a, const struct gpu_host *b, struct store_refs refs, struct err *err)
{
	struct host_pair pair;
	int rv = host_pair_init(&pair, a, b, refs, err);

	if (rv == 0)
		rv = compare_all(&pair, err);
	host_pair_finish(&pair);
	return rv;
}
