#include "client/merge_out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

/* ---- names ---- */

/* The directory is resolved, the name is not: it need not exist, and may be a link to be replaced.
 */
static int resolve(const char *path, char **out, struct err *err)
{
	cleanup_free char *for_folder = xstrdup(path), *for_name = xstrdup(path);
	cleanup_free char *folder = realpath(dirname(for_folder), NULL);
	const char *name = basename(for_name);

	if (folder == NULL)
		return err_errno(err, errno, "%s", path);
	if (strcmp(name, "/") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, CAPQ_EINVAL, "%s is no name for something new", path);
	*out = str_format("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
	return 0;
}

/* `inner` is `outer`, or in it. */
static bool is_within(const char *inner, const char *outer)
{
	size_t len = strlen(outer);

	return strncmp(inner, outer, len) == 0 && (inner[len] == '\0' || inner[len] == '/');
}

static int check_inputs(const char *path, const char *const *inputs, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (is_within(path, inputs[i]) || is_within(inputs[i], path))
			return err_set(err, CAPQ_EINVAL,
				"%s and %s: one is within the other, and inputs are not touched",
				path, inputs[i]);
	}
	return 0;
}

/* ---- what is there ---- */

static bool is_empty_directory(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	size_t n = 0;

	if (directory == NULL)
		return false;
	while ((entry = readdir(directory)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void)closedir(directory);
	return n == 0;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

static bool is_empty(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	return S_ISDIR(st.st_mode) ? is_empty_directory(path)
				   : S_ISREG(st.st_mode) && st.st_size == 0;
}

static int check_place(const char *path, bool is_forced, struct err *err)
{
	if (is_forced || !is_there(path) || is_empty(path))
		return 0;
	return err_set(
		err, CAPQ_EEXIST, "%s is there already, and not empty; --force replaces it", path);
}

/* ---- removing ---- */

/* Directories may be read-only, as in a store. */
static void remove_all(const char *path)
{
	cleanup_free char *copy = xstrdup(path);
	char *const paths[] = { copy, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;

	if (tree == NULL)
		return;
	while ((entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_D)
			(void)chmod(entry->fts_path, 0700);
		else if (entry->fts_info == FTS_DP)
			(void)rmdir(entry->fts_path);
		else
			(void)unlink(entry->fts_path);
	}
	(void)fts_close(tree);
}

/* ---- from begin to end ---- */

static char *make_name(const char *path, const char *what)
{
	const char *name = strrchr(path, '/') + 1;

	return str_format("%.*s.%s.%s.%ld", (int)(name - path), path, name, what, (long)getpid());
}

int merge_out_begin(struct merge_out *out, const char *path, const char *const *inputs, size_t n,
	bool is_forced, struct err *err)
{
	int rv;

	*out = (struct merge_out){ .is_forced = is_forced };
	rv = resolve(path, &out->path, err);
	if (rv == 0)
		rv = check_inputs(out->path, inputs, n, err);
	if (rv == 0)
		rv = check_place(out->path, is_forced, err);
	if (rv == 0)
		out->temp = make_name(out->path, "new");
	else
		free(out->path);
	return rv;
}

static void forget(struct merge_out *out)
{
	free(out->path);
	free(out->temp);
	*out = (struct merge_out){ .path = NULL };
}

/* Put what is there aside, then the new in its place; what was aside is removed, or put back. */
static int replace(const struct merge_out *out, struct err *err)
{
	cleanup_free char *old = make_name(out->path, "old");

	if (rename(out->path, old) < 0)
		return err_errno(err, errno, "rename %s", out->path);
	if (rename(out->temp, out->path) < 0) {
		int rv = err_errno(err, errno, "rename to %s", out->path);

		(void)rename(old, out->path);
		return rv;
	}
	remove_all(old);
	return 0;
}

/* What has come to the place meanwhile is not lost, unless it is as empty as it was, or forced. */
static int move_into_place(const struct merge_out *out, struct err *err)
{
	if (renameat2(AT_FDCWD, out->temp, AT_FDCWD, out->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (out->is_forced && is_there(out->path))
		return replace(out, err);
	/* A file system may not know how to rename without replacing. */
	if ((errno == EINVAL && !is_there(out->path)) || is_empty(out->path))
		if (rename(out->temp, out->path) == 0)
			return 0;
	return err_errno(err, errno, "rename to %s", out->path);
}

int merge_out_commit(struct merge_out *out, struct err *err)
{
	int rv = move_into_place(out, err);

	if (rv < 0)
		remove_all(out->temp);
	forget(out);
	return rv;
}

void merge_out_abort(struct merge_out *out)
{
	if (out->temp != NULL)
		remove_all(out->temp);
	forget(out);
}
