#include "lib/gpu_merge_layout.h"

#include <elf.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fatbin.h"
#include "lib/hash.h"
#include "lib/host_same.h"
#include "lib/mem.h"

#define ADDRESS_MAX (UINT64_C(1) << 47)
#define CONTAINER_ALIGN 8
#define SEGMENTS_MAX 0xff00
#define NO_SEGMENT UINT64_MAX
#define PADDING_MAX (UINT64_C(64) << 20) /* Zeros that a program's file may get, see below. */

struct layout {
	const struct gpu_host *base;
	const struct gpu_merge_container *containers;
	struct spliced *out;
	uint64_t tail;            /* The base's segment that an earlier merge added, NO_SEGMENT. */
	uint64_t offset, address; /* Of the new segment. */
	uint64_t n_segments;      /* In the new table. */
	uint64_t end;             /* What is taken so far, in the file. */
	uint64_t *addresses;      /* Of each container. */
	uint64_t first[GPU_HOST_SECTIONS], last[GPU_HOST_SECTIONS]; /* Offsets of sections. */
};

static uint64_t align_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

/* ---- the new segment ---- */

/* Pages are as large as the machine may have them. */
static uint64_t page_size(const struct elf *elf)
{
	return elf->machine == EM_AARCH64 ? 65536 : 4096;
}

static bool is_within(const struct elf_segment *segment, const struct elf_section *section)
{
	return section->offset >= segment->offset &&
	       section->offset - segment->offset <= segment->size &&
	       section->size <= segment->size - (section->offset - segment->offset);
}

/* It ends the file, and all containers are in there. */
static bool is_own_tail(const struct gpu_host *base, uint64_t i)
{
	struct elf_segment segment = elf_segment(&base->elf, i);

	if (!gpu_host_is_tail(base, i) || segment.offset <= sizeof(Elf64_Ehdr) ||
		segment.offset < base->elf.sections_at ||
		segment.size != base->elf.file.size - segment.offset)
		return false;
	for (unsigned which = 0; which < GPU_HOST_SECTIONS; which++)
		if (base->sections[which].is_there && base->sections[which].header.size > 0 &&
			!is_within(&segment, &base->sections[which].header))
			return false;
	return true;
}

static void find_tail(struct layout *l)
{
	l->tail = NO_SEGMENT;
	for (uint64_t i = 0; i < l->base->elf.n_segments; i++)
		if (is_own_tail(l->base, i))
			l->tail = i;
}

/* The end of all that is loaded, in memory. False: there is nothing, or it is beyond all bounds. */
static bool find_end(const struct elf *elf, uint64_t *out)
{
	*out = 0;
	for (uint64_t i = 0; i < elf->n_segments; i++) {
		struct elf_segment segment = elf_segment(elf, i);

		if (segment.type != PT_LOAD)
			continue;
		if (segment.address > ADDRESS_MAX || segment.size_in_memory > ADDRESS_MAX)
			return false;
		if (segment.address + segment.size_in_memory > *out)
			*out = segment.address + segment.size_in_memory;
	}
	return *out > 0;
}

static bool find_segment(const struct elf *elf, uint32_t type, struct elf_segment *out)
{
	for (uint64_t i = 0; i < elf->n_segments; i++) {
		*out = elf_segment(elf, i);
		if (out->type == type)
			return true;
	}
	return false;
}

/* Kernels before Linux 5.18 tell a program that its segments' table is as far behind the beginning
 * of the first segment as it is in the file: so it has to be. */
static int place_segment(struct layout *l, struct err *err)
{
	const struct elf *elf = &l->base->elf;
	uint64_t page = page_size(elf), end;
	struct elf_segment first, other;

	if (l->tail != NO_SEGMENT) {
		struct elf_segment tail = elf_segment(elf, l->tail);

		l->offset = tail.offset;
		l->address = tail.address;
		return 0;
	}
	if (!find_end(elf, &end) || !find_segment(elf, PT_LOAD, &first) ||
		elf->file.size > ADDRESS_MAX)
		return err_set(err, CAPQ_EINVAL, "its segments leave no room for another");
	l->offset = align_up(elf->file.size, page);
	l->address = align_up(end, page);
	if (!find_segment(elf, PT_INTERP, &other) && !find_segment(elf, PT_PHDR, &other))
		return 0;
	if (first.offset > first.address || (first.address - first.offset) % page != 0)
		return err_set(err, CAPQ_EINVAL, "its first segment is at an unusual place");
	if (l->address - first.address + first.offset > l->offset)
		l->offset = l->address - first.address + first.offset;
	else
		l->address = l->offset - first.offset + first.address;
	if (l->offset - elf->file.size > PADDING_MAX)
		return err_set(err, CAPQ_EINVAL, "it takes too much memory beside its file");
	return 0;
}

/* ---- containers ---- */

static void put(struct layout *l, struct bytes bytes)
{
	spliced_put(l->out, l->end, bytes);
	l->end += bytes.size;
}

static void put_container(struct layout *l, size_t i)
{
	const struct gpu_merge_container *container = &l->containers[i];
	const struct gpu_host_container *old = &l->base->containers[i];
	uint64_t header = old->whole.size - old->entries.size;

	l->addresses[i] = l->address + (l->end - l->offset);
	/* Its header, as it is but for the size of the entries. */
	put(l, bytes_part(old->whole, 0, FATBIN_SIZE_AT));
	spliced_put_number(l->out, l->end, container->size - header, FATBIN_SIZE_SIZE);
	l->end += FATBIN_SIZE_SIZE;
	put(l, bytes_part(old->whole, FATBIN_HEADER_MIN, header - FATBIN_HEADER_MIN));
	for (size_t k = 0; k < container->n; k++)
		put(l, container->entries[k]);
}

static void put_containers(struct layout *l)
{
	for (size_t i = 0; i < l->base->n_containers; i++) {
		unsigned which = l->base->containers[i].section;

		l->end = align_up(l->end, CONTAINER_ALIGN);
		if (l->first[which] == 0)
			l->first[which] = l->end;
		put_container(l, i);
		l->last[which] = l->end;
	}
}

/* ---- what says where they are ---- */

static void point_wrappers(struct layout *l)
{
	const struct gpu_host *base = l->base;

	for (uint64_t i = 0; i < base->n_wrappers; i++) {
		const struct gpu_wrapper *wrapper = &base->wrappers[i];
		uint64_t address;

		if (base->points_to[i] == GPU_HOST_NO_CONTAINER)
			continue;
		address = l->addresses[base->points_to[i]];
		/* lld leaves zeros in place of what a relocation sets. */
		if (wrapper->addend_at == 0 || bytes_u64(base->elf.file, wrapper->word_at) != 0)
			spliced_put_number(l->out, wrapper->word_at, address, 8);
		if (wrapper->addend_at != 0)
			spliced_put_number(l->out, wrapper->addend_at, address, 8);
	}
}

static uint64_t address_of(const struct layout *l, uint64_t offset)
{
	return l->address + (offset - l->offset);
}

static void describe_sections(struct layout *l)
{
	for (unsigned which = 0; which < GPU_HOST_SECTIONS; which++) {
		const struct gpu_host_section *section = &l->base->sections[which];
		uint64_t at = l->base->elf.sections_at + section->index * sizeof(Elf64_Shdr);

		if (!section->is_there || l->first[which] == 0)
			continue;
		spliced_put_number(l->out, at + offsetof(Elf64_Shdr, sh_addr),
			address_of(l, l->first[which]), 8);
		spliced_put_number(
			l->out, at + offsetof(Elf64_Shdr, sh_offset), l->first[which], 8);
		spliced_put_number(l->out, at + offsetof(Elf64_Shdr, sh_size),
			l->last[which] - l->first[which], 8);
		if (l->tail == NO_SEGMENT) /* What was there. */
			spliced_put(l->out, section->header.offset,
				(struct bytes){ NULL, section->header.size });
	}
}

/* The symbol of a container, or of the section itself, which is that of its first one. */
static void move_symbol(struct layout *l, uint64_t at)
{
	struct bytes file = l->base->elf.file;
	uint64_t value_at = at + offsetof(Elf64_Sym, st_value),
		 size_at = at + offsetof(Elf64_Sym, st_size);
	size_t i = gpu_host_find_container(l->base, bytes_u64(file, value_at));

	if (i == GPU_HOST_NO_CONTAINER)
		return;
	spliced_put_number(l->out, value_at, l->addresses[i], 8);
	if (bytes_u64(file, size_at) == l->base->containers[i].whole.size)
		spliced_put_number(l->out, size_at, l->containers[i].size, 8);
}

static void move_symbols(struct layout *l, const struct elf_section *table)
{
	struct bytes data = elf_section_bytes(&l->base->elf, table);

	for (uint64_t at = 0; bytes_hold(data, at, sizeof(Elf64_Sym)); at += sizeof(Elf64_Sym)) {
		if (gpu_host_is_device_section(
			    l->base, bytes_u16(data, at + offsetof(Elf64_Sym, st_shndx))))
			move_symbol(l, table->offset + at);
	}
}

/* ---- the table of segments ---- */

static void set_segment(
	struct layout *l, unsigned char *row, uint32_t type, uint64_t size, uint64_t align)
{
	const Elf64_Phdr segment = { .p_type = type,
		.p_flags = PF_R,
		.p_offset = l->offset,
		.p_vaddr = l->address,
		.p_paddr = l->address,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = align };

	memcpy(row, &segment, sizeof segment); /* Only machines of this byte order get here. */
}

/* The rows of the base, and behind its last PT_LOAD the new one. */
static void put_segments(struct layout *l)
{
	const struct elf *elf = &l->base->elf;
	uint64_t table_size = l->n_segments * sizeof(Elf64_Phdr), to = 0, behind = 0;
	unsigned char *table = spliced_own(l->out, xcalloc(l->n_segments, sizeof(Elf64_Phdr)));

	for (uint64_t i = 0; i < elf->n_segments; i++)
		if (elf_segment(elf, i).type == PT_LOAD)
			behind = i + 1;
	for (uint64_t i = 0; i < elf->n_segments; i++) {
		unsigned char *row = table + to++ * sizeof(Elf64_Phdr);

		memcpy(row, elf->file.at + elf->segments_at + i * sizeof(Elf64_Phdr),
			sizeof(Elf64_Phdr));
		if (elf_segment(elf, i).type == PT_PHDR)
			set_segment(l, row, PT_PHDR, table_size, 8);
		if (i == l->tail)
			set_segment(l, row, PT_LOAD, l->end - l->offset, page_size(elf));
		if (i + 1 == behind && l->tail == NO_SEGMENT)
			set_segment(l, table + to++ * sizeof(Elf64_Phdr), PT_LOAD,
				l->end - l->offset, page_size(elf));
	}
	spliced_put(l->out, l->offset, (struct bytes){ table, table_size });
	spliced_put_number(l->out, offsetof(Elf64_Ehdr, e_phoff), l->offset, 8);
	spliced_put_number(l->out, offsetof(Elf64_Ehdr, e_phnum), l->n_segments, 2);
}

/* ---- the build id ---- */

static int hash_part(void *owner, struct bytes part, struct err *err)
{
	static const unsigned char zeros[4096];

	(void)err;
	while (part.at == NULL && part.size > 0) {
		uint64_t n = part.size < sizeof zeros ? part.size : sizeof zeros;

		sha256_add(owner, zeros, n);
		part.size -= n;
	}
	sha256_add(owner, part.at, part.size);
	return 0;
}

/* A note: u32 size of the name, u32 size of the id, u32 type, "GNU", the id. The new id is a hash
 * of all the rest. */
static void renew_build_id(struct layout *l, const struct elf_section *section)
{
	struct bytes note = elf_section_bytes(&l->base->elf, section);
	uint64_t size = bytes_u32(note, 4), at = 12 + 4;
	unsigned char *id;
	struct sha256_stream *stream;

	if (bytes_u32(note, 0) != 4 || size == 0 || size > SHA256_LEN ||
		!bytes_hold(note, at, size))
		return;
	id = spliced_own(l->out, xcalloc(1, SHA256_LEN));
	spliced_put(l->out, section->offset + at, (struct bytes){ id, size });
	stream = sha256_begin();
	(void)spliced_write(l->out, hash_part, stream, NULL);
	sha256_end(stream, id);
}

/* ---- all of it ---- */

static void update_tables(struct layout *l)
{
	const struct elf *elf = &l->base->elf;

	point_wrappers(l);
	describe_sections(l);
	for (uint64_t i = 1; i < elf->n_sections; i++) {
		struct elf_section section = elf_section(elf, i);

		if (section.type == SHT_SYMTAB)
			move_symbols(l, &section);
	}
	put_segments(l);
	for (uint64_t i = 1; i < elf->n_sections; i++) {
		struct elf_section section = elf_section(elf, i);

		if (strcmp(section.name, HOST_BUILD_ID) != 0)
			continue;
		renew_build_id(l, &section);
		break;
	}
}

int gpu_merge_lay_out(const struct gpu_host *base, const struct gpu_merge_container *containers,
	struct spliced *out, struct err *err)
{
	struct layout l = { .base = base, .containers = containers, .out = out };
	int rv;

	find_tail(&l);
	l.n_segments = base->elf.n_segments + (l.tail == NO_SEGMENT);
	if (base->elf.n_segments == 0 || l.n_segments > SEGMENTS_MAX)
		return err_set(
			err, CAPQ_EINVAL, "it has %" PRIu64 " segments", base->elf.n_segments);
	rv = place_segment(&l, err);
	if (rv < 0)
		return rv;
	if (l.tail != NO_SEGMENT) {
		out->base.size = l.offset; /* What was behind is made anew. */
		out->size = l.offset;
	}
	l.end = l.offset + l.n_segments * sizeof(Elf64_Phdr);
	l.addresses = xcalloc(base->n_containers, sizeof *l.addresses);
	put_containers(&l);
	update_tables(&l);
	free(l.addresses);
	return spliced_check(out, err);
}
