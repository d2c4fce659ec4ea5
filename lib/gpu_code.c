#include "lib/gpu_code.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ar.h"
#include "lib/cubin.h"
#include "lib/elf.h"
#include "lib/fatbin.h"
#include "lib/gpu_unit.h"
#include "lib/mem.h"

#define ARCHIVE_DEPTH_MAX 4 /* Of archives in archives. */
#define PTX_HEAD_MAX 65536  /* Comments and directives in front of the first function. */

static int read_any(struct bytes file, const struct gpu_code_members *members, int depth,
	struct gpu_code *code, struct err *err);

/* ---- by themselves: cubins, containers, PTX ---- */

static int read_cubin(const struct elf *elf, struct gpu_code *code, struct err *err)
{
	struct gpu_unit unit = { 0 };
	struct gpu_arch arch;
	uint64_t bit = 0;
	int rv;

	if (!cubin_arch(elf, &arch.number, &arch.suffix))
		return err_set(err, CAPQ_EINVAL, "a cubin without architecture");
	rv = gpu_arch_bit(code, arch, &bit, err);
	if (rv < 0)
		return rv;
	if (cubin_has_code(elf->file))
		unit.sass = bit;
	else
		unit.stubs = bit;
	return gpu_unit_add(code, &unit, err);
}

static int read_containers(struct bytes file, struct gpu_code *code, struct err *err)
{
	uint64_t at = 0;

	for (;;) {
		struct gpu_unit unit;
		uint64_t size;
		int rv;

		while (at < file.size && file.at[at] == 0)
			at++;
		if (at == file.size)
			return 0;
		rv = gpu_unit_read(code, bytes_from(file, at), &unit, &size, err);
		if (rv == 0)
			rv = gpu_unit_add(code, &unit, err);
		if (rv < 0)
			return err_wrap(err, "container at 0x%" PRIx64, at);
		at += size;
	}
}

/* Behind blanks and comments. */
static struct bytes skip_blank(struct bytes text)
{
	uint64_t at = 0;

	while (at < text.size) {
		struct bytes rest = bytes_from(text, at);
		uint64_t end;

		if (isspace(rest.at[0])) {
			at++;
			continue;
		}
		if (bytes_begin(rest, "//", 2))
			end = bytes_find(rest, 2, "\n", 1);
		else if (bytes_begin(rest, "/*", 2))
			end = bytes_find(rest, 2, "*/", 2);
		else
			break;
		at = end == UINT64_MAX ? text.size : at + end + (rest.at[1] == '*' ? 2 : 1);
	}
	return bytes_from(text, at);
}

/* The text begins as PTX does: ".version 9.0", ".target sm_100f". */
static bool find_ptx_target(struct bytes file, struct gpu_arch *out)
{
	static const char version[] = ".version", target[] = ".target";
	struct bytes head = skip_blank(
		bytes_part(file, 0, file.size < PTX_HEAD_MAX ? file.size : PTX_HEAD_MAX));
	uint64_t at;

	if (!bytes_begin(head, version, sizeof version - 1))
		return false;
	at = bytes_find(head, 0, target, sizeof target - 1);
	if (at == UINT64_MAX)
		return false;
	head = skip_blank(bytes_from(head, at + sizeof target - 1));
	if (!bytes_begin(head, "sm_", 3))
		return false;
	*out = (struct gpu_arch){ 0 };
	for (at = 3; at < head.size && at < 6 && isdigit(head.at[at]); at++)
		out->number = out->number * 10 + (unsigned)(head.at[at] - '0');
	if (at < head.size && (head.at[at] == 'a' || head.at[at] == 'f'))
		out->suffix = (char)head.at[at];
	return out->number > 0;
}

static int read_ptx(struct gpu_arch arch, struct gpu_code *code, struct err *err)
{
	struct gpu_unit unit = { 0 };
	int rv = gpu_arch_bit(code, arch, &unit.ptx, err);

	return rv < 0 ? rv : gpu_unit_add(code, &unit, err);
}

/* ---- archives ---- */

/* The member at `origin` of the archive `file`, in which it is kept as it is. */
static int find_in_archive(struct bytes file, uint64_t origin, struct bytes *out, struct err *err)
{
	cleanup_free struct ar_member *member = xmalloc(sizeof *member);
	struct ar ar;
	int rv;

	if (!ar_is(file))
		return err_set(err, CAPQ_EINVAL, "it is no archive");
	rv = ar_open_at(file, origin, &ar, err);
	if (rv == 0)
		rv = ar_next(&ar, member, err);
	if (rv < 0)
		return rv;
	if (rv == 0 || ar.is_thin)
		return err_set(err, CAPQ_EINVAL, "no member begins at %" PRIu64, origin);
	*out = member->bytes;
	return 0;
}

static int read_member(const struct ar *ar, const struct ar_member *member,
	const struct gpu_code_members *members, int depth, struct gpu_code *code, struct err *err)
{
	struct bytes bytes = member->bytes;
	int rv = 0;

	if (ar->is_thin && members == NULL)
		return err_set(err, CAPQ_EINVAL, "it is in a file of its own");
	if (ar->is_thin)
		rv = members->read(members->owner, member->name, &bytes, err);
	if (rv == 0 && member->origin > 0)
		rv = find_in_archive(bytes, member->origin, &bytes, err);
	return rv < 0 ? rv : read_any(bytes, members, depth + 1, code, err);
}

static int read_archive(struct bytes file, const struct gpu_code_members *members, int depth,
	struct gpu_code *code, struct err *err)
{
	cleanup_free struct ar_member *member = xmalloc(sizeof *member);
	struct ar ar;
	int rv;

	if (depth == ARCHIVE_DEPTH_MAX)
		return err_set(err, CAPQ_ETOOBIG, "archives in archives, %d deep", depth);
	ar_open(file, &ar);
	while ((rv = ar_next(&ar, member, err)) > 0) {
		rv = read_member(&ar, member, members, depth, code, err);
		if (rv < 0)
			return err_wrap(err, "%.200s", member->name);
	}
	return rv;
}

/* ---- all kinds ---- */

static int read_any(struct bytes file, const struct gpu_code_members *members, int depth,
	struct gpu_code *code, struct err *err)
{
	struct gpu_arch arch;
	struct elf elf;

	if (ar_is(file))
		return read_archive(file, members, depth, code, err);
	if (elf_is(file) && elf_read(file, &elf) && cubin_is(&elf))
		return read_cubin(&elf, code, err);
	if (elf_is(file))
		return gpu_elf_read(file, code, err);
	if (bytes_begin(file, FATBIN_MAGIC, FATBIN_MAGIC_LEN))
		return read_containers(file, code, err);
	if (find_ptx_target(file, &arch))
		return read_ptx(arch, code, err);
	return 0;
}

int gpu_code_read(struct bytes file, const struct gpu_code_members *members, struct gpu_code *out,
	struct err *err)
{
	*out = (struct gpu_code){ .n_archs = 0 };
	return read_any(file, members, 0, out, err);
}

void gpu_code_finish(struct gpu_code *code)
{
	free(code->units);
	inflater_finish(&code->inflater);
	*code = (struct gpu_code){ .n_archs = 0 };
}

/* ---- several files together ---- */

/* A set of `from`'s architectures as one of `code`'s. */
static int translate(struct gpu_code *code, const struct gpu_code *from, uint64_t set,
	uint64_t *out, struct err *err)
{
	*out = 0;
	for (size_t i = 0; i < from->n_archs; i++) {
		uint64_t bit = 0;

		if ((set >> i & 1) == 0)
			continue;
		if (gpu_arch_bit(code, from->archs[i], &bit, err) < 0)
			return CAPQ_ETOOBIG;
		*out |= bit;
	}
	return 0;
}

static int add_unit(struct gpu_code *code, const struct gpu_code *from, const struct gpu_unit *unit,
	struct err *err)
{
	struct gpu_unit mine;
	int rv = translate(code, from, unit->sass, &mine.sass, err);

	if (rv == 0)
		rv = translate(code, from, unit->ptx, &mine.ptx, err);
	if (rv == 0)
		rv = translate(code, from, unit->lto, &mine.lto, err);
	if (rv == 0)
		rv = translate(code, from, unit->stubs, &mine.stubs, err);
	return rv < 0 ? rv : gpu_unit_add(code, &mine, err);
}

int gpu_code_add(struct gpu_code *code, const struct gpu_code *more, struct err *err)
{
	int rv = 0;

	for (size_t i = 0; i < more->n_units && rv == 0; i++)
		rv = add_unit(code, more, &more->units[i], err);
	return rv;
}

/* ---- what was found ---- */

bool gpu_code_is_there(const struct gpu_code *code)
{
	return code->n_archs > 0;
}

uint64_t gpu_code_sass_in_all(const struct gpu_code *code)
{
	uint64_t set = code->n_units > 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < code->n_units; i++)
		set &= code->units[i].sass;
	return set;
}

uint64_t gpu_code_ptx_in_all(const struct gpu_code *code)
{
	uint64_t set = code->n_units > 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < code->n_units; i++)
		set &= code->units[i].ptx;
	return set;
}

uint64_t gpu_code_stub_only(const struct gpu_code *code)
{
	return code->any.stubs & ~code->any.sass;
}

static int compare_archs(const void *left, const void *right)
{
	const struct gpu_arch *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->suffix > b->suffix) - (a->suffix < b->suffix);
}

size_t gpu_code_list(const struct gpu_code *code, uint64_t set, struct gpu_arch out[GPU_ARCHS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < code->n_archs; i++)
		if (set >> i & 1)
			out[n++] = code->archs[i];
	array_sort(out, n, sizeof *out, compare_archs);
	return n;
}

void gpu_arch_add_name(struct str *out, const char *prefix, struct gpu_arch arch)
{
	str_addf(out, "%s%u", prefix, arch.number);
	if (arch.suffix != '\0')
		str_add_char(out, arch.suffix);
}
