#include "lib/gpu_image.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"
#include "lib/mem.h"
#include "lib/str.h"

#define STO_CUDA_ENTRY 0x10 /* In st_other: the host can launch it. */

/* ---- inflating ---- */

/* What the entry holds; `*out_memory` is to be freed. */
static bool inflate(const struct fatbin_entry *entry, struct inflater *inflater, struct bytes *out,
	unsigned char **out_memory)
{
	bool is_done;

	*out_memory = NULL;
	*out = entry->stored;
	if (entry->how == STORED_PLAIN)
		return true;
	if (entry->how == STORED_UNKNOWN || entry->size > GPU_IMAGE_MAX)
		return false;
	*out_memory = xmalloc((size_t)entry->size);
	is_done = entry->how == STORED_LZ4
			  ? inflate_lz4(entry->stored, *out_memory, (size_t)entry->size)
			  : inflate_zstd(inflater, entry->stored, *out_memory, (size_t)entry->size);
	*out = (struct bytes){ *out_memory, entry->size };
	return is_done;
}

/* ---- kernels ---- */

static void add_name(struct gpu_kernels *kernels, const char *name, size_t len)
{
	array_reserve(&kernels->names, &kernels->capacity, kernels->n + 1, sizeof *kernels->names);
	kernels->names[kernels->n++] = xstrndup(name, len);
}

static void add_of_symbols(
	const struct elf *elf, const struct elf_section *symbols, struct gpu_kernels *out)
{
	struct elf_section names =
		elf_section(elf, symbols->link < elf->n_sections ? symbols->link : 0);
	struct bytes data = elf_section_bytes(elf, symbols);
	struct bytes texts = elf_section_bytes(elf, &names);

	for (uint64_t at = 0; bytes_hold(data, at, sizeof(Elf64_Sym)); at += sizeof(Elf64_Sym)) {
		unsigned info = data.at[at + offsetof(Elf64_Sym, st_info)];
		unsigned other = data.at[at + offsetof(Elf64_Sym, st_other)];
		const char *name = bytes_text(texts, bytes_u32(data, at));

		if (ELF64_ST_TYPE(info) == STT_FUNC && (other & STO_CUDA_ENTRY) && name != NULL)
			add_name(out, name, strlen(name));
	}
}

static bool add_of_sass(struct bytes file, struct gpu_kernels *out)
{
	struct elf elf;

	if (!elf_read(file, &elf) || elf.is_big)
		return false;
	for (uint64_t i = 0; i < elf.n_sections; i++) {
		struct elf_section section = elf_section(&elf, i);

		if (section.type == SHT_SYMTAB)
			add_of_symbols(&elf, &section, out);
	}
	return true;
}

static bool is_name(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '$' || c == '%';
}

static void add_of_ptx(struct bytes text, struct gpu_kernels *out)
{
	static const char entry[] = ".entry";
	uint64_t at = 0;

	while ((at = bytes_find(text, at, entry, sizeof entry - 1)) != UINT64_MAX) {
		uint64_t from = at + sizeof entry - 1, to;

		at = from;
		while (from < text.size && isspace(text.at[from]))
			from++;
		for (to = from; to < text.size && is_name(text.at[to]); to++)
			;
		if (from > at && to > from)
			add_name(out, (const char *)text.at + from, to - from);
	}
}

static int compare_names(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

int gpu_kernels_read(const struct fatbin_entry *entry, struct inflater *inflater,
	struct gpu_kernels *out, struct err *err)
{
	cleanup_free unsigned char *memory = NULL;
	struct bytes image;

	*out = (struct gpu_kernels){ .n = 0 };
	if (!inflate(entry, inflater, &image, &memory))
		return err_set(err, CAPQ_EINVAL, "it cannot be inflated");
	if (entry->kind == FATBIN_PTX)
		add_of_ptx(image, out);
	else if (!add_of_sass(image, out))
		return err_set(err, CAPQ_EINVAL, "it is no ELF file");
	array_sort(out->names, out->n, sizeof *out->names, compare_names);
	return 0;
}

void gpu_kernels_finish(struct gpu_kernels *kernels)
{
	for (size_t i = 0; i < kernels->n; i++)
		free(kernels->names[i]);
	free(kernels->names);
	*kernels = (struct gpu_kernels){ .n = 0 };
}

const char *gpu_kernels_difference(
	const struct gpu_kernels *a, const struct gpu_kernels *b, bool *out_in_a)
{
	for (size_t i = 0; i < a->n || i < b->n; i++) {
		int order = i == a->n ? 1 : i == b->n ? -1 : strcmp(a->names[i], b->names[i]);

		*out_in_a = order < 0;
		if (order != 0)
			return order < 0 ? a->names[i] : b->names[i];
	}
	return NULL;
}

/* ---- the same ---- */

static bool same_bytes(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static bool same_section(const struct elf *a, const struct elf *b, uint64_t i)
{
	struct elf_section x = elf_section(a, i), y = elf_section(b, i);

	if (strcmp(x.name, y.name) != 0 || x.type != y.type)
		return false;
	return str_starts(x.name, ".note.") ||
	       same_bytes(elf_section_bytes(a, &x), elf_section_bytes(b, &y));
}

static bool same_sass(struct bytes left, struct bytes right)
{
	struct elf a, b;

	if (!elf_read(left, &a) || !elf_read(right, &b) || a.n_sections != b.n_sections ||
		a.n_sections == 0 || a.flags != b.flags)
		return false;
	for (uint64_t i = 0; i < a.n_sections; i++)
		if (!same_section(&a, &b, i))
			return false;
	return true;
}

bool gpu_image_same(
	const struct fatbin_entry *a, const struct fatbin_entry *b, struct inflater *inflater)
{
	cleanup_free unsigned char *memory_a = NULL, *memory_b = NULL;
	struct bytes image_a, image_b;

	if (same_bytes(a->whole, b->whole))
		return true;
	if (!inflate(a, inflater, &image_a, &memory_a) ||
		!inflate(b, inflater, &image_b, &memory_b))
		return false;
	return same_bytes(image_a, image_b) ||
	       (a->kind == FATBIN_ELF && same_sass(image_a, image_b));
}
