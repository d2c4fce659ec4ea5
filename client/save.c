#include "client/save.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "lib/time_text.h"

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive(
	struct stream *stream, int fd, const char *path, int64_t *out_size, struct err *err)
{
	int64_t size = 0;
	const char *bytes;
	size_t len;
	int rv;

	do {
		rv = stream_read(stream, STREAM_SILENCE_MS, &bytes, &len, err);
		if (rv < 0)
			return rv;
		if (rv == STREAM_BYTES && write_all(fd, bytes, len) < 0)
			return err_errno(err, errno, "%s", path);
		if (rv == STREAM_BYTES)
			size += (int64_t)len;
	} while (rv != STREAM_ENDED);
	if (size == 0)
		return err_set(err, CAPQ_EFAILED, "what capqd sent is empty");
	*out_size = size;
	return 0;
}

static int sync_folder(const char *path, struct err *err)
{
	cleanup_free char *copy = xstrdup(path);
	cleanup_close int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "folder of %s", path);
	return 0;
}

int save_check(const char *path, bool replaces, struct err *err)
{
	struct stat there;

	if (!replaces && lstat(path, &there) == 0)
		return err_set(err, CAPQ_EEXIST, "%s is there already; --force replaces it", path);
	return 0;
}

static char *temporary_of(const char *path)
{
	return str_format("%s.tmp", path);
}

void save_drop(const char *path)
{
	cleanup_free char *temporary = temporary_of(path);

	(void)unlink(temporary);
}

/* What an earlier try left, or somebody else put there, is not written to. */
int save_write(
	struct stream *stream, const char *path, mode_t mode, int64_t *out_size, struct err *err)
{
	cleanup_free char *temporary = temporary_of(path);
	cleanup_close int fd = -1;
	int rv;

	save_drop(path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(err, errno, "%s", temporary);
	rv = receive(stream, fd, temporary, out_size, err);
	if (rv == 0 && fsync(fd) < 0)
		rv = err_errno(err, errno, "%s", temporary);
	if (rv < 0)
		save_drop(path);
	return rv;
}

/* Some file systems cannot rename without replacing; there save_check() has to do. */
static int rename_to(const char *from, const char *to, bool replaces)
{
	if (replaces)
		return rename(from, to);
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? rename(from, to) : -1;
}

int save_keep(const char *path, bool replaces, struct err *err)
{
	cleanup_free char *temporary = temporary_of(path);
	int error;

	if (rename_to(temporary, path, replaces) == 0)
		return sync_folder(path, err);
	error = errno;
	save_drop(path);
	return err_errno(err, error, "%s", path);
}

void save_print(const struct output *output, const char *path, int64_t size)
{
	struct json_out json = { 0 };
	char text[TIME_TEXT_MAX];

	if (!output->is_json) {
		size_to_text(size, text);
		output_printf("%s: %s\n", path, text);
		return;
	}
	json_out_object(&json, NULL);
	json_out_text(&json, "file", path);
	json_out_int(&json, "bytes", size);
	json_out_end_object(&json);
	output_json_text(json.text.text);
	str_free(&json.text);
}
