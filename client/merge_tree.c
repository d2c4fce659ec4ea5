#include "client/merge_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/store_refs.h"
#include "lib/str.h"

#define MODE_MASK 07777
#define NOT_OPEN (-1)

/* One name in all trees. */
struct entry {
	const struct merge_tree *tree;
	int in[GPU_MERGE_MAX]; /* The directories that it is in; AT_FDCWD at the top. */
	const char *names[GPU_MERGE_MAX];
	struct stat st[GPU_MERGE_MAX];
	int out; /* The directory for the result; NOT_OPEN: none is wanted. */
	const char *out_name;
	const char *path; /* Within the trees. */
	int depth;
};

static int merge_entry(struct entry *e, struct err *err);

static void refuse(const struct entry *e, size_t input, const struct err *err)
{
	e->tree->on_refused(e->tree->owner, input, e->path, err);
}

static size_t count(const struct entry *e)
{
	return e->tree->sides->n;
}

/* ---- what can be seen without opening it ---- */

static const char *kind_name(mode_t mode)
{
	return S_ISREG(mode)   ? "a file"
	       : S_ISDIR(mode) ? "a directory"
	       : S_ISLNK(mode) ? "a link"
			       : "something else";
}

/* Modes count in trees; of what was named by itself, the first one's is as good as another. */
static int compare_status(
	const struct stat *a, const struct stat *b, bool is_in_tree, struct err *err)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return err_set(err, CAPQ_EINVAL, "is %s, not %s", kind_name(b->st_mode),
			kind_name(a->st_mode));
	if (is_in_tree && !S_ISLNK(a->st_mode) &&
		(a->st_mode & MODE_MASK) != (b->st_mode & MODE_MASK))
		return err_set(err, CAPQ_EINVAL, "has the mode %04o, not %04o",
			(unsigned)(b->st_mode & MODE_MASK), (unsigned)(a->st_mode & MODE_MASK));
	return 0;
}

/* False: something was refused. */
static bool look(struct entry *e)
{
	struct err err = { 0 };

	for (size_t i = 0; i < count(e); i++) {
		int rv = fstatat(e->in[i], e->names[i], &e->st[i], AT_SYMLINK_NOFOLLOW);

		if (rv < 0)
			rv = err_errno(&err, errno, "stat");
		else if (i > 0)
			rv = compare_status(&e->st[0], &e->st[i], e->depth > 0, &err);
		if (rv < 0) {
			refuse(e, i, &err);
			return false;
		}
	}
	return true;
}

/* ---- opening ---- */

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

/* Open it in all trees, and see that it is still what it was. False: something was refused. */
static bool open_all(const struct entry *e, int flags, int fds[GPU_MERGE_MAX])
{
	struct err err = { 0 };

	for (size_t i = 0; i < count(e); i++)
		fds[i] = NOT_OPEN;
	for (size_t i = 0; i < count(e); i++) {
		struct stat st;

		fds[i] = openat(e->in[i], e->names[i],
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
		if (fds[i] >= 0 && fstat(fds[i], &st) == 0 && st.st_ino == e->st[i].st_ino &&
			st.st_dev == e->st[i].st_dev)
			continue;
		(void)err_errno(&err, fds[i] < 0 ? errno : ESTALE, "open");
		refuse(e, i, &err);
		close_all(fds, count(e));
		return false;
	}
	return true;
}

static int set_times_and_mode(int fd, const struct stat *st, struct err *err)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	if (fchmod(fd, st->st_mode & MODE_MASK) < 0 || futimens(fd, times) < 0)
		return err_errno(err, errno, "set mode and time");
	return 0;
}

/* ---- files ---- */

static int merge_into(const struct entry *e, const int *fds, int out_fd, struct err *err)
{
	struct merge_result result;
	struct err reason;
	size_t culprit;
	int rv = merge_file(e->tree->sides, fds, out_fd, &result, &culprit, &reason);

	if (rv == 0) {
		e->tree->on_file(e->tree->owner, e->path, &result);
		return out_fd >= 0 ? set_times_and_mode(out_fd, &e->st[0], err) : 0;
	}
	if (reason.code == CAPQ_ENOSPC) {
		*err = reason;
		return rv;
	}
	refuse(e, culprit, &reason);
	return 0;
}

static int merge_regular(const struct entry *e, struct err *err)
{
	int fds[GPU_MERGE_MAX];
	cleanup_close int out = NOT_OPEN;
	int rv;

	if (!open_all(e, 0, fds))
		return 0;
	if (e->out != NOT_OPEN) {
		out = openat(e->out, e->out_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (out < 0) {
			close_all(fds, count(e));
			return err_errno(err, errno, "%s", e->path);
		}
	}
	rv = merge_into(e, fds, out, err);
	close_all(fds, count(e));
	return rv;
}

/* ---- links ---- */

static bool read_link(const struct entry *e, size_t i, char target[PATH_MAX])
{
	ssize_t len = readlinkat(e->in[i], e->names[i], target, PATH_MAX - 1);
	struct err err;

	if (len >= 0) {
		target[len] = '\0';
		return true;
	}
	(void)err_errno(&err, errno, "read link");
	refuse(e, i, &err);
	return false;
}

/* The first target, as it is to be in the result. */
static bool rename_target(const struct entry *e, char target[PATH_MAX])
{
	const struct merge_sides *sides = e->tree->sides;
	struct err err;
	char *at = sides->hashes[0] == NULL || sides->n == 1
			   ? NULL
			   : memmem(target, strlen(target), sides->hashes[0], STORE_HASH_LEN);

	if (at != NULL && sides->out_hash != NULL)
		memcpy(at, sides->out_hash, STORE_HASH_LEN);
	if (at == NULL || sides->out_hash != NULL)
		return true;
	(void)err_set(&err, CAPQ_EINVAL,
		"points to the store path that it is part of; " MERGE_ONLY_SAME_NAME);
	refuse(e, 0, &err);
	return false;
}

static int merge_link(const struct entry *e, struct err *err)
{
	const struct merge_sides *sides = e->tree->sides;
	char first[PATH_MAX], other[PATH_MAX];
	struct err reason;

	if (!read_link(e, 0, first))
		return 0;
	for (size_t i = 1; i < sides->n; i++) {
		const struct store_refs refs = { sides->hashes[0], sides->hashes[i] };

		if (!read_link(e, i, other))
			return 0;
		if (store_refs_same_text(first, other, refs))
			continue;
		(void)err_set(&reason, CAPQ_EINVAL, "points to %.300s, not %.300s", other, first);
		refuse(e, i, &reason);
		return 0;
	}
	if (rename_target(e, first) && e->out != NOT_OPEN &&
		symlinkat(first, e->out, e->out_name) < 0)
		return err_errno(err, errno, "%s", e->path);
	return 0;
}

/* ---- directories ---- */

struct names {
	char **items;
	size_t n, capacity;
};

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}

static int compare_names(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static int read_names(int fd, struct names *out, struct err *err)
{
	int copy = dup(fd);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	*out = (struct names){ .n = 0 };
	if (directory == NULL)
		return err_errno(err, errno, "read");
	while ((entry = readdir(directory)) != NULL && out->n < MERGE_ENTRIES_MAX) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		array_reserve(&out->items, &out->capacity, out->n + 1, sizeof *out->items);
		out->items[out->n++] = xstrdup(entry->d_name);
	}
	(void)closedir(directory);
	if (out->n == MERGE_ENTRIES_MAX)
		return err_set(err, CAPQ_ETOOBIG, "has more than %d files", MERGE_ENTRIES_MAX);
	array_sort(out->items, out->n, sizeof *out->items, compare_names);
	return 0;
}

static int compare_lists(const struct names *a, const struct names *b, struct err *err)
{
	for (size_t i = 0; i < a->n || i < b->n; i++) {
		int order = i == a->n ? 1 : i == b->n ? -1 : strcmp(a->items[i], b->items[i]);

		if (order != 0)
			return err_set(err, CAPQ_EINVAL, "%s %.255s",
				order < 0 ? "lacks" : "alone has",
				order < 0 ? a->items[i] : b->items[i]);
	}
	return 0;
}

/* The names in all of the directories, which are the same. False: something was refused. */
static bool list(const struct entry *e, const int *fds, struct names *out)
{
	struct err err;
	int rv = 0;

	for (size_t i = 0; i < count(e) && rv == 0; i++) {
		struct names other;

		rv = read_names(fds[i], i == 0 ? out : &other, &err);
		if (rv == 0 && i > 0)
			rv = compare_lists(out, &other, &err);
		if (rv < 0)
			refuse(e, i, &err);
		if (i > 0)
			free_names(&other);
	}
	return rv == 0;
}

static int merge_name(
	const struct entry *parent, const int *fds, int out, char *name, struct err *err)
{
	const bool is_top = parent->path[0] == '\0';
	cleanup_free char *path = str_format("%s%s%s", parent->path, is_top ? "" : "/", name);
	cleanup_free struct entry *e = xcalloc(1, sizeof *e);

	*e = (struct entry){ .tree = parent->tree,
		.out = out,
		.out_name = name,
		.path = path,
		.depth = parent->depth + 1 };
	for (size_t i = 0; i < count(parent); i++) {
		e->in[i] = fds[i];
		e->names[i] = name;
	}
	return merge_entry(e, err);
}

static int merge_names(const struct entry *e, const int *fds, int out, struct err *err)
{
	struct names names = { .n = 0 };
	int rv = 0;

	if (list(e, fds, &names))
		for (size_t i = 0; i < names.n && rv == 0; i++)
			rv = merge_name(e, fds, out, names.items[i], err);
	free_names(&names);
	return rv;
}

/* The directory of the result. It has its mode only when all is in there. */
static int make_directory(const struct entry *e, int *out, struct err *err)
{
	if (mkdirat(e->out, e->out_name, 0700) < 0)
		return err_errno(err, errno, "%s", e->path);
	*out = openat(e->out, e->out_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *out < 0 ? err_errno(err, errno, "%s", e->path) : 0;
}

static int merge_directory(const struct entry *e, struct err *err)
{
	cleanup_close int out = NOT_OPEN;
	int fds[GPU_MERGE_MAX] = { 0 };
	int rv = 0;

	if (e->depth == MERGE_DEPTH_MAX)
		return err_set(err, CAPQ_ETOOBIG, "directories in directories, %d deep", e->depth);
	if (!open_all(e, O_DIRECTORY, fds))
		return 0;
	if (e->out != NOT_OPEN)
		rv = make_directory(e, &out, err);
	if (rv == 0)
		rv = merge_names(e, fds, out, err);
	if (rv == 0 && out != NOT_OPEN)
		rv = set_times_and_mode(out, &e->st[0], err);
	close_all(fds, count(e));
	return rv;
}

/* ---- all kinds ---- */

static int merge_entry(struct entry *e, struct err *err)
{
	struct err reason;

	if (!look(e))
		return 0;
	switch (e->st[0].st_mode & S_IFMT) {
	case S_IFREG:
		return merge_regular(e, err);
	case S_IFLNK:
		return merge_link(e, err);
	case S_IFDIR:
		return merge_directory(e, err);
	default:
		(void)err_set(&reason, CAPQ_EINVAL, "is neither file nor directory nor link");
		refuse(e, 0, &reason);
		return 0;
	}
}

int merge_tree(
	const struct merge_tree *tree, const char *const *paths, const char *out, struct err *err)
{
	cleanup_free struct entry *e = xcalloc(1, sizeof *e);

	*e = (struct entry){
		.tree = tree, .out = out == NULL ? NOT_OPEN : AT_FDCWD, .out_name = out, .path = ""
	};
	for (size_t i = 0; i < tree->sides->n; i++) {
		e->in[i] = AT_FDCWD;
		e->names[i] = paths[i];
	}
	return merge_entry(e, err);
}
