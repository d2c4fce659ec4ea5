#include "client/merge_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/elf.h"
#include "lib/mem.h"
#include "lib/store_refs.h"

struct files {
	const struct merge_sides *sides;
	struct gpu_merge_input inputs[GPU_MERGE_MAX];
	size_t culprit; /* What a failure is about. */
};

/* ---- mapping ---- */

static int map(int fd, struct bytes *out, struct err *err)
{
	struct stat st;
	void *at;

	*out = (struct bytes){ NULL, 0 };
	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "stat");
	if (st.st_size == 0)
		return 0;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, errno, "mmap");
	*out = (struct bytes){ at, (uint64_t)st.st_size };
	return 0;
}

static void unmap(struct bytes file)
{
	if (file.size > 0)
		(void)munmap((void *)file.at, file.size);
}

static int map_all(struct files *files, const int *fds, struct err *err)
{
	int rv = 0;

	for (size_t i = 0; i < files->sides->n && rv == 0; i++) {
		files->inputs[i].hash = files->sides->hashes[i];
		rv = map(fds[i], &files->inputs[i].file, err);
	}
	return rv;
}

static void unmap_all(struct files *files)
{
	for (size_t i = 0; i < files->sides->n; i++)
		unmap(files->inputs[i].file);
}

/* ---- writing ---- */

/* Zeros need no blocks on the disk: what device code leaves behind costs nothing there. */
static int write_part(void *owner, struct bytes part, struct err *err)
{
	FILE *file = owner;

	if (part.at == NULL ? fseeko(file, (off_t)part.size, SEEK_CUR) < 0
			    : fwrite(part.at, 1, part.size, file) != part.size)
		return err_errno(err, errno, "write");
	return 0;
}

static int write_all(struct spliced *result, int fd, struct err *err)
{
	int copy = dup(fd);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	int rv;

	if (file == NULL)
		return err_errno(err, errno, "open");
	rv = spliced_write(result, write_part, file, err);
	if (fclose(file) != 0 && rv == 0)
		rv = err_errno(err, errno, "write");
	if (rv == 0 && ftruncate(fd, (off_t)result->size) < 0)
		rv = err_errno(err, errno, "write");
	return rv;
}

/* ---- what is in it ---- */

static void add_archs(struct merge_archs *archs, const struct gpu_code *code, uint64_t set)
{
	for (size_t i = 0; i < code->n_archs; i++) {
		size_t at = 0;

		if (!(set >> i & 1))
			continue;
		while (at < archs->n && (archs->items[at].number != code->archs[i].number ||
						archs->items[at].suffix != code->archs[i].suffix))
			at++;
		if (at == archs->n && at < GPU_ARCHS_MAX)
			archs->items[archs->n++] = code->archs[i];
	}
}

static int compare_archs(const void *left, const void *right)
{
	const struct gpu_arch *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->suffix > b->suffix) - (a->suffix < b->suffix);
}

static void describe(struct bytes file, struct merge_result *out)
{
	struct gpu_code code;

	if (gpu_code_read(file, NULL, &code, NULL) == 0) {
		add_archs(&out->sass, &code, code.any.sass);
		add_archs(&out->ptx, &code, code.any.ptx);
		if (code.n_units > out->n_units)
			out->n_units = code.n_units;
	}
	gpu_code_finish(&code);
	array_sort(out->sass.items, out->sass.n, sizeof out->sass.items[0], compare_archs);
	array_sort(out->ptx.items, out->ptx.n, sizeof out->ptx.items[0], compare_archs);
}

/* ---- deciding ---- */

/* The first file that is not the same as the first one; 0: all are. */
static size_t find_other(const struct files *files, uint64_t *out_at)
{
	const struct bytes first = files->inputs[0].file;

	for (size_t i = 1; i < files->sides->n; i++) {
		const struct bytes other = files->inputs[i].file;
		const struct store_refs refs = { files->inputs[0].hash, files->inputs[i].hash };

		*out_at = store_refs_differ(first, other, refs, 0);
		if (first.size != other.size || *out_at < first.size)
			return i;
	}
	return 0;
}

static int refuse_bytes(struct files *files, size_t other, uint64_t at, struct err *err)
{
	struct bytes a = files->inputs[0].file, b = files->inputs[other].file;

	files->culprit = other;
	if (at >= a.size || at >= b.size)
		return err_set(err, CAPQ_EINVAL,
			"differs from that of %s: it has %" PRIu64 " bytes, not %" PRIu64,
			files->sides->names[0], b.size, a.size);
	return err_set(err, CAPQ_EINVAL,
		"differs from that of %s: byte 0x%" PRIx64 " is %02x, not %02x",
		files->sides->names[0], at, b.at[at], a.at[at]);
}

static int merge_code(struct files *files, struct spliced *out, struct err *err)
{
	int rv = gpu_merge(files->inputs, files->sides->n, out, &files->culprit, err);

	if (rv < 0 && files->culprit > 0)
		return err_wrap(err, "differs from that of %s", files->sides->names[0]);
	return rv;
}

/* What names the store path of an input has to name that of the output. */
static int rename_refs(const struct files *files, struct spliced *result, struct err *err)
{
	const char *from = files->inputs[0].hash, *to = files->sides->out_hash;

	if (from == NULL || files->sides->n == 1)
		return 0;
	if (store_refs_replace(result, from, to) > 0 && to == NULL)
		return err_set(err, CAPQ_EINVAL,
			"names the store path that it is part of; " MERGE_ONLY_SAME_NAME);
	return 0;
}

static int decide(struct files *files, struct spliced *out, bool *out_is_merged, struct err *err)
{
	uint64_t at = 0;
	size_t other = find_other(files, &at);
	int rv = 0;

	*out_is_merged = other > 0;
	if (other == 0)
		spliced_init(out, files->inputs[0].file);
	else if (!elf_is(files->inputs[0].file))
		return refuse_bytes(files, other, at, err);
	else
		rv = merge_code(files, out, err);
	if (rv == 0)
		rv = rename_refs(files, out, err);
	return rv;
}

/* ---- all of it ---- */

static int verify(const struct files *files, int fd, struct merge_result *out, struct err *err)
{
	const bool has_new_hash = files->sides->out_hash != NULL;
	struct gpu_merge_input result = { .hash = has_new_hash ? files->sides->out_hash
							       : files->inputs[0].hash };
	int rv = map(fd, &result.file, err);

	if (rv == 0)
		rv = gpu_merge_verify(&result, files->inputs, files->sides->n, err);
	if (rv < 0)
		rv = err_wrap(err, "what was merged is not right");
	else
		describe(result.file, out);
	unmap(result.file);
	return rv;
}

static int produce(struct files *files, int out_fd, struct merge_result *out, struct err *err)
{
	struct spliced result = { .n = 0 };
	int rv = decide(files, &result, &out->is_merged, err);

	if (rv == 0 && out_fd >= 0)
		rv = write_all(&result, out_fd, err);
	spliced_finish(&result);
	if (rv < 0 || !out->is_merged)
		return rv;
	if (out_fd >= 0)
		return verify(files, out_fd, out, err);
	for (size_t i = 0; i < files->sides->n; i++)
		describe(files->inputs[i].file, out);
	return 0;
}

int merge_file(const struct merge_sides *sides, const int *fds, int out_fd,
	struct merge_result *out, size_t *out_culprit, struct err *err)
{
	struct files *files = xcalloc(1, sizeof *files);
	struct merge_result result = { .n_units = 0 };
	int rv;

	files->sides = sides;
	rv = map_all(files, fds, err);
	if (rv == 0)
		rv = produce(files, out_fd, &result, err);
	*out_culprit = files->culprit;
	unmap_all(files);
	free(files);
	if (rv == 0)
		*out = result;
	return rv;
}
