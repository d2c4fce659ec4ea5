#include "lib/host_tables.h"

#include <elf.h>
#include <inttypes.h>
#include <stddef.h>

/* The 8 bytes at `at` in both. */
static bool same_word(const struct host_pair *pair, const struct host_section *s, uint64_t at)
{
	return host_pair_same(pair, bytes_u64(s->a, at), bytes_u64(s->b, at));
}

static bool equal_word(const struct host_section *s, uint64_t at)
{
	return bytes_u64(s->a, at) == bytes_u64(s->b, at);
}

/* ---- relocations ---- */

/* Its value is an address: R_X86_64_RELATIVE and IRELATIVE, those of AArch64. */
static bool is_address(const struct elf *elf, uint32_t type)
{
	switch (elf->machine) {
	case EM_X86_64:
		return type == R_X86_64_RELATIVE || type == R_X86_64_IRELATIVE;
	case EM_AARCH64:
		return type == R_AARCH64_RELATIVE || type == R_AARCH64_IRELATIVE;
	default:
		return false;
	}
}

/* The place of a wrapper's first pointer. */
static bool is_of_wrapper(const struct host_pair *pair, uint64_t address)
{
	struct elf_section wrappers = elf_section(&pair->a->elf, pair->a->wrappers_in);
	uint64_t at = address - wrappers.address;

	return pair->a->wrappers_in != 0 && at < wrappers.size &&
	       at % GPU_WRAPPER_SIZE == GPU_WRAPPER_POINTER;
}

static bool same_relocation(const struct host_pair *pair, const struct host_section *s, uint64_t at)
{
	uint64_t place_at = at + offsetof(Elf64_Rela, r_offset),
		 info_at = at + offsetof(Elf64_Rela, r_info),
		 value_at = at + offsetof(Elf64_Rela, r_addend);
	uint32_t type = (uint32_t)ELF64_R_TYPE(bytes_u64(s->a, info_at));

	if (!equal_word(s, info_at) || !same_word(pair, s, place_at))
		return false;
	if (!is_address(&pair->a->elf, type))
		return equal_word(s, value_at);
	return is_of_wrapper(pair, bytes_u64(s->a, place_at)) || same_word(pair, s, value_at);
}

int host_compare_relocations(struct host_pair *pair, uint64_t index, struct err *err)
{
	struct host_section s = host_pair_section(pair, index);

	if (s.a.size % sizeof(Elf64_Rela) != 0)
		return err_set(err, CAPQ_EINVAL, "section %s is no table", s.name);
	for (uint64_t at = 0; at < s.a.size; at += sizeof(Elf64_Rela)) {
		if (!same_relocation(pair, &s, at))
			return err_set(err, CAPQ_EINVAL, "relocation %" PRIu64 " of %s differs",
				at / sizeof(Elf64_Rela), s.name);
		host_pair_add_slot(pair, bytes_u64(s.a, at + offsetof(Elf64_Rela, r_offset)));
	}
	return 0;
}

/* An even word is an address to relocate; an odd one has a bit for each of the 63 words behind
 * (the generic ABI, SHT_RELR). Bitmaps must be equal, so that addresses decide. */
int host_compare_packed(struct host_pair *pair, uint64_t index, struct err *err)
{
	struct host_section s = host_pair_section(pair, index);
	uint64_t next = 0;

	for (uint64_t at = 0; bytes_hold(s.a, at, 8); at += 8) {
		uint64_t word = bytes_u64(s.a, at);

		if ((word & 1) == 0) {
			if (!same_word(pair, &s, at))
				return host_pair_refuse(&s, at, err);
			host_pair_add_slot(pair, word);
			next = word + 8;
			continue;
		}
		if (!equal_word(&s, at))
			return host_pair_refuse(&s, at, err);
		for (unsigned bit = 1; bit < 64; bit++)
			if (word >> bit & 1)
				host_pair_add_slot(pair, next + (bit - 1) * 8);
		next += UINT64_C(63) * 8;
	}
	return 0;
}

/* ---- symbols ---- */

/* A number, not a place: an offset of thread-local data, or what is defined elsewhere. */
static bool is_number(unsigned type, unsigned section)
{
	return type == STT_TLS || section == SHN_UNDEF || section == SHN_ABS;
}

static bool same_symbol(const struct host_pair *pair, const struct host_section *s, uint64_t at)
{
	uint64_t value_at = at + offsetof(Elf64_Sym, st_value);
	unsigned type = ELF64_ST_TYPE(s->a.at[at + offsetof(Elf64_Sym, st_info)]);
	unsigned section = bytes_u16(s->a, at + offsetof(Elf64_Sym, st_shndx));

	if (!host_pair_equal(pair, s, at, offsetof(Elf64_Sym, st_value)) ||
		!equal_word(s, at + offsetof(Elf64_Sym, st_size)))
		return false;
	if (is_number(type, section))
		return equal_word(s, value_at);
	return !gpu_host_is_device_section(pair->a, section) && same_word(pair, s, value_at);
}

int host_compare_symbols(const struct host_pair *pair, uint64_t index, struct err *err)
{
	struct host_section s = host_pair_section(pair, index);

	if (s.a.size % sizeof(Elf64_Sym) != 0)
		return err_set(err, CAPQ_EINVAL, "section %s is no table", s.name);
	for (uint64_t at = 0; at < s.a.size; at += sizeof(Elf64_Sym))
		if (!same_symbol(pair, &s, at))
			return err_set(err, CAPQ_EINVAL, "symbol %" PRIu64 " of %s differs",
				at / sizeof(Elf64_Sym), s.name);
	return 0;
}

/* ---- .dynamic ---- */

/* Its value is an address. The generic ABI: in the range DT_ADDRRNGLO to DT_ADDRRNGHI all are, and
 * these. */
static bool is_pointer(uint64_t tag)
{
	switch (tag) {
	case DT_PLTGOT:
	case DT_HASH:
	case DT_STRTAB:
	case DT_SYMTAB:
	case DT_RELA:
	case DT_INIT:
	case DT_FINI:
	case DT_REL:
	case DT_JMPREL:
	case DT_INIT_ARRAY:
	case DT_FINI_ARRAY:
	case DT_PREINIT_ARRAY:
	case DT_SYMTAB_SHNDX:
	case DT_RELR:
	case DT_VERSYM:
	case DT_VERDEF:
	case DT_VERNEED:
		return true;
	default:
		return tag >= DT_ADDRRNGLO && tag <= DT_ADDRRNGHI;
	}
}

int host_compare_dynamic(const struct host_pair *pair, uint64_t index, struct err *err)
{
	struct host_section s = host_pair_section(pair, index);

	for (uint64_t at = 0; bytes_hold(s.a, at, sizeof(Elf64_Dyn)); at += sizeof(Elf64_Dyn)) {
		uint64_t tag = bytes_u64(s.a, at), value_at = at + offsetof(Elf64_Dyn, d_un);

		if (!equal_word(&s, at))
			return host_pair_refuse(&s, at, err);
		if (is_pointer(tag) ? !same_word(pair, &s, value_at) : !equal_word(&s, value_at))
			return host_pair_refuse(&s, value_at, err);
	}
	return 0;
}

/* ---- wrappers ---- */

static int compare_wrapper(
	const struct host_pair *pair, const struct host_section *s, uint64_t i, struct err *err)
{
	uint64_t at = i * GPU_WRAPPER_SIZE, second_at = at + GPU_WRAPPER_POINTER + 8;

	if (!host_pair_equal(pair, s, at, GPU_WRAPPER_POINTER))
		return host_pair_refuse(s, at, err);
	if (!equal_word(s, second_at) && !same_word(pair, s, second_at))
		return host_pair_refuse(s, second_at, err);
	if (pair->a->points_to[i] != pair->b->points_to[i])
		return err_set(err, CAPQ_EINVAL,
			"wrapper %" PRIu64 " does not point to the same container", i);
	return 0;
}

int host_compare_wrappers(const struct host_pair *pair, uint64_t index, struct err *err)
{
	struct host_section s = host_pair_section(pair, index);
	int rv = 0;

	if (s.a.size % GPU_WRAPPER_SIZE != 0)
		return err_set(err, CAPQ_EINVAL, "section %s holds no whole wrappers", s.name);
	for (uint64_t i = 0; i < pair->a->n_wrappers && rv == 0; i++)
		rv = compare_wrapper(pair, &s, i, err);
	return rv;
}
