#include "lib/gpu_files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

/* ---- one file ---- */

struct mapping {
	void *at;
	size_t size;
};

static void unmap(struct mapping *file)
{
	if (file->size > 0)
		(void)munmap(file->at, file->size);
	*file = (struct mapping){ NULL, 0 };
}

/* Map the whole file; what is empty or no regular file is empty. */
static int map(const char *path, struct mapping *out, struct err *err)
{
	/* Nothing happens by opening: a pipe is not waited for. */
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	void *at;

	*out = (struct mapping){ NULL, 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open");
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, errno, "mmap");
	*out = (struct mapping){ at, (size_t)st.st_size };
	return 0;
}

static struct bytes bytes_of(const struct mapping *file)
{
	return (struct bytes){ file->at, file->size };
}

/* Members of a thin archive, in files named from where the archive is. */
struct beside {
	const char *archive;
	struct mapping file;
};

static int read_beside(void *owner, const char *name, struct bytes *out, struct err *err)
{
	struct beside *beside = owner;
	const char *slash = strrchr(beside->archive, '/');
	int folder_len = slash == NULL || name[0] == '/' ? 0 : (int)(slash - beside->archive) + 1;
	cleanup_free char *path = str_format("%.*s%s", folder_len, beside->archive, name);
	int rv;

	unmap(&beside->file);
	rv = map(path, &beside->file, err);
	*out = bytes_of(&beside->file);
	return rv;
}

static void read_file(const char *path, const struct gpu_files_reader *reader)
{
	struct beside beside = { .archive = path };
	const struct gpu_code_members members = { read_beside, &beside };
	struct gpu_code code = { .n_archs = 0 };
	struct mapping file;
	struct err err;
	int rv = map(path, &file, &err);

	if (rv == 0)
		rv = gpu_code_read(bytes_of(&file), &members, &code, &err);
	if (rv < 0)
		reader->on_error(reader->owner, path, &err);
	else if (gpu_code_is_there(&code))
		reader->on_file(reader->owner, path, &code);
	gpu_code_finish(&code);
	unmap(&beside.file);
	unmap(&file);
}

/* ---- directories ---- */

static int compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void report(const struct gpu_files_reader *reader, const char *path, int error_number)
{
	struct err err;

	(void)err_errno(&err, error_number, "open");
	reader->on_error(reader->owner, path, &err);
}

static bool is_unreadable(const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return true;
	case FTS_SLNONE: /* A link to nothing, named by who asks. */
		return entry->fts_level == FTS_ROOTLEVEL;
	default:
		return false;
	}
}

void gpu_files_read(const char *path, const struct gpu_files_reader *reader)
{
	cleanup_free char *copy = xstrdup(path);
	char *const paths[] = { copy, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_names);
	FTSENT *entry;

	if (tree == NULL) {
		report(reader, path, errno);
		return;
	}
	while ((entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_F)
			read_file(entry->fts_path, reader);
		else if (is_unreadable(entry))
			report(reader, entry->fts_path,
				entry->fts_errno != 0 ? entry->fts_errno : ENOENT);
	}
	(void)fts_close(tree);
}
