/* The format, with str(s) for a length of 8 bytes, the bytes, and zeros up to a multiple of 8:
 *
 *   nar   = str("nix-archive-1") node
 *   node  = str("(") str("type") kind str(")")
 *   kind  = str("regular") [str("executable") str("")] str("contents") str(BYTES)
 *         | str("symlink") str("target") str(TARGET)
 *         | str("directory") entry*
 *   entry = str("entry") str("(") str("name") str(NAME) str("node") node str(")")
 *
 * Entries are sorted by the bytes of their names. A file is executable when its owner may execute
 * it; nothing else of its mode, and no time, is kept.
 *
 * nar_read() empties, in this order: `frame`, the marks and names that come next; the file that is
 * open; and when neither has anything left, it looks at the next entry of the innermost directory,
 * which fills one of the two again. */
#include "push/nar.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

/* A directory that we are in. */
struct level {
	int fd;
	char **names; /* Of its entries, sorted. */
	size_t n_names, next;
	size_t where_len; /* The length of nar->where for the directory itself. */
};

struct nar {
	struct str where; /* The full path of what is read, for messages. */
	struct level *levels;
	size_t n_levels, levels_capacity;

	struct str frame;
	size_t frame_sent;

	int file; /* -1: none is open. */
	struct stat file_stat;
	uint64_t file_left; /* Bytes of it that are still to be read. */
};

/* ---- the frame ---- */

static void add_padding(struct nar *nar, uint64_t len)
{
	static const char zeros[8];

	str_add_bytes(&nar->frame, zeros, (size_t)(-len & 7));
}

static void add_length(struct nar *nar, uint64_t len)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(len >> (8 * i));
	str_add_bytes(&nar->frame, bytes, sizeof bytes);
}

static void add_bytes(struct nar *nar, const char *bytes, size_t len)
{
	add_length(nar, len);
	str_add_bytes(&nar->frame, bytes, len);
	add_padding(nar, len);
}

static void add(struct nar *nar, const char *word)
{
	add_bytes(nar, word, strlen(word));
}

/* The end of a node, and of the entry that it is unless it is the top. */
static void add_end(struct nar *nar)
{
	add(nar, ")");
	if (nar->n_levels > 0)
		add(nar, ")");
}

/* ---- nodes ---- */

static int fail(struct nar *nar, int error_number, struct err *err)
{
	return err_errno(err, error_number, "cannot read %s", str_text(&nar->where));
}

static int fail_changed(struct nar *nar, struct err *err)
{
	return err_set(err, CAPQ_EBUSY, "%s changed while it was read", str_text(&nar->where));
}

static int begin_file(struct nar *nar, int directory, const char *name, struct err *err)
{
	/* O_NONBLOCK: should a fifo have taken its place, opening it must not wait for a writer. */
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return fail(nar, errno, err);
	nar->file = fd;
	if (fstat(fd, &nar->file_stat) != 0)
		return fail(nar, errno, err);
	if (!S_ISREG(nar->file_stat.st_mode))
		return fail_changed(nar, err);
	add(nar, "regular");
	if (nar->file_stat.st_mode & S_IXUSR) {
		add(nar, "executable");
		add(nar, "");
	}
	add(nar, "contents");
	nar->file_left = (uint64_t)nar->file_stat.st_size;
	add_length(nar, nar->file_left);
	return 0;
}

static int add_link(struct nar *nar, int directory, const char *name, size_t size, struct err *err)
{
	cleanup_free char *target = xmalloc(size + 1); /* One more shows that it has grown. */
	ssize_t len = readlinkat(directory, name, target, size + 1);

	if (len < 0)
		return fail(nar, errno, err);
	if ((size_t)len != size)
		return fail_changed(nar, err);
	add(nar, "symlink");
	add(nar, "target");
	add_bytes(nar, target, size);
	add_end(nar);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b); /* As unsigned bytes. */
}

static int read_names(struct nar *nar, struct level *level, DIR *dir, struct err *err)
{
	const struct dirent *entry;
	size_t capacity = 0;

	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		array_reserve(&level->names, &capacity, level->n_names + 1, sizeof *level->names);
		level->names[level->n_names++] = xstrdup(entry->d_name);
	}
	if (errno != 0)
		return fail(nar, errno, err);
	if (level->n_names > 1)
		qsort(level->names, level->n_names, sizeof *level->names, compare_names);
	return 0;
}

static int begin_directory(struct nar *nar, int directory, const char *name, struct err *err)
{
	struct level *level;
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rv;
	DIR *dir;

	if (fd < 0)
		return fail(nar, errno, err);
	array_reserve(&nar->levels, &nar->levels_capacity, nar->n_levels + 1, sizeof *nar->levels);
	level = &nar->levels[nar->n_levels++];
	*level = (struct level){ .fd = fd, .where_len = nar->where.len };
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* closedir() closes what readdir() reads from. */
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		rv = fail(nar, errno, err);
		if (fd >= 0)
			(void)close(fd);
		return rv;
	}
	add(nar, "directory");
	rv = read_names(nar, level, dir, err);
	(void)closedir(dir);
	return rv;
}

static int begin_node(struct nar *nar, int directory, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return fail(nar, errno, err);
	add(nar, "(");
	add(nar, "type");
	if (S_ISREG(st.st_mode))
		return begin_file(nar, directory, name, err);
	if (S_ISDIR(st.st_mode))
		return begin_directory(nar, directory, name, err);
	if (S_ISLNK(st.st_mode))
		return add_link(nar, directory, name, (size_t)st.st_size, err);
	return err_set(err, CAPQ_EINVAL, "%s is neither a file, a directory nor a symbolic link",
		str_text(&nar->where));
}

/* ---- from node to node ---- */

static void finish_level(struct level *level)
{
	for (size_t i = 0; i < level->n_names; i++)
		free(level->names[i]);
	free(level->names);
	(void)close(level->fd);
}

static void cut_where(struct nar *nar, size_t len)
{
	nar->where.len = len;
	nar->where.text[len] = '\0';
}

/* The next entry of the innermost directory, or its end. */
static int next_entry(struct nar *nar, struct err *err)
{
	struct level *level = &nar->levels[nar->n_levels - 1];
	const char *name;

	cut_where(nar, level->where_len);
	if (level->next == level->n_names) {
		finish_level(level);
		nar->n_levels--;
		add_end(nar);
		return 0;
	}
	name = level->names[level->next++];
	str_addf(&nar->where, "/%s", name);
	add(nar, "entry");
	add(nar, "(");
	add(nar, "name");
	add(nar, name);
	add(nar, "node");
	return begin_node(nar, level->fd, name, err);
}

/* The file is read: it must be as it was when its size was written. */
static int end_file(struct nar *nar, struct err *err)
{
	const struct stat *before = &nar->file_stat;
	struct stat now;

	if (fstat(nar->file, &now) != 0)
		return fail(nar, errno, err);
	if (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
		return fail_changed(nar, err);
	(void)close(nar->file);
	nar->file = -1;
	add_padding(nar, (uint64_t)before->st_size);
	add_end(nar);
	return 0;
}

/* ---- reading ---- */

static size_t read_frame(struct nar *nar, char *buf, size_t size)
{
	size_t left = nar->frame.len - nar->frame_sent, n = left < size ? left : size;

	memcpy(buf, nar->frame.text + nar->frame_sent, n);
	nar->frame_sent += n;
	if (nar->frame_sent == nar->frame.len) {
		str_clear(&nar->frame);
		nar->frame_sent = 0;
	}
	return n;
}

/* Bytes of the open file; 0 when it has ended as it should. */
static int read_file(struct nar *nar, char *buf, size_t size, size_t *out_len, struct err *err)
{
	ssize_t n;

	*out_len = 0;
	if (nar->file_left == 0)
		return end_file(nar, err);
	if (size > nar->file_left)
		size = (size_t)nar->file_left;
	do
		n = read(nar->file, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(nar, errno, err);
	if (n == 0)
		return fail_changed(nar, err); /* It became shorter. */
	nar->file_left -= (uint64_t)n;
	*out_len = (size_t)n;
	return 0;
}

int nar_read(struct nar *nar, void *buf, size_t size, size_t *out_len, struct err *err)
{
	char *at = buf, *end = at + size;
	int rv = 0;

	while (at < end && rv == 0) {
		size_t n = 0;

		if (nar->frame.len > 0)
			n = read_frame(nar, at, (size_t)(end - at));
		else if (nar->file >= 0)
			rv = read_file(nar, at, (size_t)(end - at), &n, err);
		else if (nar->n_levels > 0)
			rv = next_entry(nar, err);
		else
			break;
		at += n;
	}
	if (rv == 0)
		*out_len = (size_t)(at - (char *)buf);
	return rv;
}

int nar_open(const char *path, struct nar **out, struct err *err)
{
	struct nar *nar = xcalloc(1, sizeof *nar);
	int rv;

	nar->file = -1;
	str_add(&nar->where, path);
	add(nar, "nix-archive-1");
	rv = begin_node(nar, AT_FDCWD, path, err);
	if (rv < 0) {
		nar_close(nar);
		return rv;
	}
	*out = nar;
	return 0;
}

void nar_close(struct nar *nar)
{
	if (nar == NULL)
		return;
	while (nar->n_levels > 0)
		finish_level(&nar->levels[--nar->n_levels]);
	if (nar->file >= 0)
		(void)close(nar->file);
	free(nar->levels);
	str_free(&nar->frame);
	str_free(&nar->where);
	free(nar);
}
