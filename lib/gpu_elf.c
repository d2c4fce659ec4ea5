/* Device code in a host's ELF file.
 *
 *   - .nv_fatbin: containers one behind the other, from address 8n on, zeros between;
 *   - __nv_relfatbin: the same, relocatable: for a linker. In what is linked they stay behind as
 *     its inputs; their PTX is used all the same;
 *   - .nvFatBinSegment: wrappers that register containers (lib/gpu_wrapper.h);
 *   - other data: containers that a program loads by itself, any place in any section.
 *
 * What is wrong in a named section is an error; elsewhere it is no container. */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"
#include "lib/fatbin.h"
#include "lib/gpu_unit.h"
#include "lib/gpu_wrapper.h"
#include "lib/mem.h"

#define CONTAINERS_MAX 4000000

struct container {
	uint64_t address; /* In memory. */
	struct gpu_unit unit;
	bool is_input;  /* Of the device linker, whose work is done. */
	bool is_linked; /* Made by it. */
};

struct reader {
	struct elf elf;
	struct gpu_code *code;
	struct container *containers;
	size_t n, capacity;
};

static bool is_finished(const struct elf *elf)
{
	return elf->type == ET_EXEC || elf->type == ET_DYN;
}

/* ---- containers ---- */

static int compare_addresses(const void *left, const void *right)
{
	const struct container *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* Among the first `n`, which are sorted. NULL: none is there. */
static struct container *find_container(const struct reader *r, size_t n, uint64_t address)
{
	const struct container key = { .address = address };

	return n == 0 ? NULL : bsearch(&key, r->containers, n, sizeof key, compare_addresses);
}

static void sort_containers(struct reader *r)
{
	array_sort(r->containers, r->n, sizeof *r->containers, compare_addresses);
}

static int add_container(struct reader *r, const struct container *container, struct err *err)
{
	if (r->n == CONTAINERS_MAX)
		return err_set(
			err, CAPQ_ETOOBIG, "there are more than %d containers", CONTAINERS_MAX);
	array_reserve(&r->containers, &r->capacity, r->n + 1, sizeof *r->containers);
	r->containers[r->n++] = *container;
	return 0;
}

/* The container at `offset` of `data`, which has `address` in memory. `*offset` moves behind it. */
static int read_container(struct reader *r, struct bytes data, uint64_t *offset, uint64_t address,
	bool is_input, struct err *err)
{
	struct container container = { .address = address + *offset, .is_input = is_input };
	uint64_t size;
	int rv = gpu_unit_read(r->code, bytes_from(data, *offset), &container.unit, &size, err);

	if (rv == 0)
		rv = add_container(r, &container, err);
	if (rv < 0)
		return err_wrap(err, "container at 0x%" PRIx64,
			(uint64_t)(data.at - r->elf.file.at) + *offset);
	*offset += size;
	return 0;
}

/* A section that holds containers and nothing else. */
static int read_named(
	struct reader *r, const struct elf_section *section, bool is_input, struct err *err)
{
	struct bytes data = elf_section_bytes(&r->elf, section);
	uint64_t at = 0;
	int rv = 0;

	if (section->flags & SHF_COMPRESSED)
		return err_set(err, CAPQ_EINVAL, "section %s is compressed", section->name);
	if (data.at == NULL && section->type != SHT_NOBITS && section->size > 0)
		return err_set(err, CAPQ_EINVAL, "section %s lies beyond the end of the file",
			section->name);
	while (rv == 0) {
		while (at < data.size && data.at[at] == 0)
			at++;
		if (at == data.size)
			break;
		rv = read_container(r, data, &at, section->address, is_input, err);
	}
	return rv;
}

/* Data of any kind, in which there may be containers. */
static int scan(struct reader *r, struct bytes data, uint64_t address, struct err *err)
{
	uint64_t at = 0;
	int rv = 0;

	while (rv == 0) {
		at = bytes_find(data, at, FATBIN_MAGIC, FATBIN_MAGIC_LEN);
		if (at == UINT64_MAX)
			break;
		if (gpu_unit_is_there(bytes_from(data, at)))
			rv = read_container(r, data, &at, address, false, err);
		else
			at++;
	}
	return rv;
}

static bool is_data(const struct elf_section *section)
{
	return section->type == SHT_PROGBITS && (section->flags & SHF_ALLOC) &&
	       !(section->flags & SHF_EXECINSTR);
}

static int read_sections(struct reader *r, struct err *err)
{
	int rv = 0;

	for (uint64_t i = 0; i < r->elf.n_sections && rv == 0; i++) {
		struct elf_section section = elf_section(&r->elf, i);

		if (strcmp(section.name, FATBIN_SECTION) == 0)
			rv = read_named(r, &section, false, err);
		else if (strcmp(section.name, FATBIN_SECTION_INPUT) == 0)
			rv = read_named(r, &section, is_finished(&r->elf), err);
		else if (is_data(&section))
			rv = scan(r, elf_section_bytes(&r->elf, &section), section.address, err);
	}
	return rv;
}

/* No section tells input of the device linker from what it made, but it is not of the same kind. */
static void find_inputs(struct reader *r, size_t from, struct bytes data, uint64_t address)
{
	for (size_t i = from; i < r->n; i++)
		r->containers[i].is_input = gpu_unit_is_relocatable(
			bytes_from(data, r->containers[i].address - address), &r->code->inflater);
}

/* Wrappers of what it made whose pointers stand in place. */
static void find_linked(struct reader *r, struct bytes data)
{
	uint64_t at = 0;

	while ((at = bytes_find(data, at, GPU_WRAPPER_LINKED_BEGIN, 8)) != UINT64_MAX) {
		struct container *found =
			find_container(r, r->n, bytes_u64(data, at + GPU_WRAPPER_POINTER));

		if (found != NULL)
			found->is_linked = true;
		at += GPU_WRAPPER_SIZE;
	}
}

static struct bytes segment_bytes(const struct reader *r, const struct elf_segment *segment)
{
	return bytes_part(r->elf.file, segment->offset, segment->size);
}

static int read_segment(struct reader *r, const struct elf_segment *segment, struct err *err)
{
	struct bytes data = segment_bytes(r, segment);
	size_t from = r->n;
	int rv = scan(r, data, segment->address, err);

	if (rv == 0 && is_finished(&r->elf))
		find_inputs(r, from, data, segment->address);
	return rv;
}

/* Without a table of sections, all that is loaded: constants may share a segment with code. */
static int read_segments(struct reader *r, struct err *err)
{
	int rv = 0;

	for (uint64_t i = 0; i < r->elf.n_segments && rv == 0; i++) {
		struct elf_segment segment = elf_segment(&r->elf, i);

		if (segment.type == PT_LOAD)
			rv = read_segment(r, &segment, err);
	}
	sort_containers(r);
	for (uint64_t i = 0; i < r->elf.n_segments && rv == 0; i++) {
		struct elf_segment segment = elf_segment(&r->elf, i);

		if (segment.type == PT_LOAD && (segment.flags & PF_W))
			find_linked(r, segment_bytes(r, &segment));
	}
	return rv;
}

/* ---- wrappers ---- */

/* A container that no scan has found, because it is in a place of its own. NULL: there is none. */
static struct container *find_elsewhere(struct reader *r, uint64_t address)
{
	for (uint64_t i = 0; i < r->elf.n_sections; i++) {
		struct elf_section section = elf_section(&r->elf, i);
		struct bytes data = elf_section_bytes(&r->elf, &section);
		uint64_t at = address - section.address;

		if (!(section.flags & SHF_ALLOC) || at >= data.size ||
			!gpu_unit_is_there(bytes_from(data, at)) ||
			read_container(r, data, &at, section.address, false, NULL) < 0)
			continue;
		return &r->containers[r->n - 1];
	}
	return NULL;
}

static int follow(struct reader *r, const struct gpu_wrapper *wrapper, size_t n_sorted,
	uint64_t number, struct err *err)
{
	struct container *found;

	if (wrapper->pointer == 0) /* What sets it is not known here. */
		return 0;
	found = find_container(r, n_sorted, wrapper->pointer);
	if (found == NULL)
		found = find_elsewhere(r, wrapper->pointer);
	if (found == NULL)
		return err_set(err, CAPQ_EINVAL,
			"wrapper %" PRIu64 " points to 0x%" PRIx64 ", where no container is",
			number, wrapper->pointer);
	if (wrapper->version == GPU_WRAPPER_LINKED)
		found->is_linked = true;
	return 0;
}

static int read_wrappers(struct reader *r, const struct elf_section *section, struct err *err)
{
	uint64_t n;
	cleanup_free struct gpu_wrapper *wrappers = gpu_wrappers_read(&r->elf, section, &n);
	size_t n_sorted = r->n;
	int rv = 0;

	sort_containers(r);
	for (uint64_t i = 0; i < n && rv == 0; i++)
		rv = follow(r, &wrappers[i], n_sorted, i, err);
	return rv;
}

/* strip(1) moves the segment that a merge has added (lib/gpu_merge.h) over another: wrappers then
 * lead to containers in the file, and to something else in memory. */
static int check_segments(const struct reader *r, struct err *err)
{
	uint64_t end = 0;

	for (uint64_t i = 0; i < r->elf.n_segments; i++) {
		struct elf_segment segment = elf_segment(&r->elf, i);

		if (segment.type != PT_LOAD)
			continue;
		if (segment.address < end)
			return err_set(err, CAPQ_EINVAL, "segments overlap in memory at 0x%" PRIx64,
				segment.address);
		if (segment.address <= UINT64_MAX - segment.size_in_memory)
			end = segment.address + segment.size_in_memory;
	}
	return 0;
}

static int read_all_wrappers(struct reader *r, struct err *err)
{
	int rv = check_segments(r, err);

	for (uint64_t i = 0; i < r->elf.n_sections && rv == 0; i++) {
		struct elf_section section = elf_section(&r->elf, i);

		if (strcmp(section.name, GPU_WRAPPER_SECTION) == 0)
			rv = read_wrappers(r, &section, err);
	}
	return rv;
}

/* ---- units ---- */

/* What was linked is used with the PTX that all inputs of the linker have. */
static int add_units(struct reader *r, struct err *err)
{
	uint64_t in_all = UINT64_MAX;
	bool any_input = false;
	int rv = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct container *c = &r->containers[i];

		if (!c->is_input)
			continue;
		any_input = true;
		in_all &= c->unit.ptx;
		r->code->any.ptx |= c->unit.ptx;
		r->code->any.lto |= c->unit.lto;
	}
	for (size_t i = 0; i < r->n && rv == 0; i++) {
		struct container *c = &r->containers[i];

		if (c->is_linked && any_input)
			c->unit.ptx |= in_all;
		if (!c->is_input)
			rv = gpu_unit_add(r->code, &c->unit, err);
	}
	return rv;
}

/* A file that says it is ELF and cannot be read: that matters if device code is in it. */
static int judge_damaged(struct bytes file, struct err *err)
{
	if (bytes_find(file, 0, FATBIN_MAGIC, FATBIN_MAGIC_LEN) == UINT64_MAX)
		return 0;
	return err_set(err, CAPQ_EINVAL,
		"there is GPU code in an ELF file that is cut off or not understood");
}

int gpu_elf_read(struct bytes file, struct gpu_code *code, struct err *err)
{
	struct reader reader = { .code = code };
	int rv;

	if (!elf_read(file, &reader.elf))
		return judge_damaged(file, err);
	if (reader.elf.n_sections > 0)
		rv = read_sections(&reader, err);
	else
		rv = read_segments(&reader, err);
	if (rv == 0 && is_finished(&reader.elf))
		rv = read_all_wrappers(&reader, err);
	if (rv == 0)
		rv = add_units(&reader, err);
	free(reader.containers);
	return rv;
}
