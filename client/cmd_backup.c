/* The copy is written to FILE.tmp, forced to the disk, and only then gets its name: a FILE that is
 * there is whole. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "lib/mem.h"
#include "lib/time_text.h"

static const struct option_spec options[] = {
	{ "force", '\0', NULL, "replace a file that is there" },
	{ .name = NULL },
};

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
		return err_set(err, CAPQ_EFAILED, "the copy that capqd sent is empty");
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

/* The data base knows who submitted what: it is for its owner only. What an earlier try left, or
 * somebody else put there, is not written to. */
static int save(struct stream *stream, const char *path, const char *temporary, int64_t *out_size,
	struct err *err)
{
	cleanup_close int fd = -1;
	int rv;

	(void)unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "%s", temporary);
	rv = receive(stream, fd, temporary, out_size, err);
	if (rv == 0 && fsync(fd) < 0)
		rv = err_errno(err, errno, "%s", temporary);
	if (rv == 0 && rename(temporary, path) < 0)
		rv = err_errno(err, errno, "%s", path);
	if (rv == 0)
		return sync_folder(path, err);
	(void)unlink(temporary);
	return rv;
}

static void print_done(const struct output *output, const char *path, int64_t size)
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

static int run(struct client *client, struct err *err)
{
	const char *path = client->options.operands[0];
	cleanup_free char *temporary = str_format("%s.tmp", path);
	struct stream_request request = { .method = "POST", .path = "/backup" };
	cleanup_stream struct stream *stream = NULL;
	struct stat there;
	int64_t size = 0;
	int rv;

	if (lstat(path, &there) == 0 && !option_given(&client->options, "force"))
		return err_set(err, CAPQ_EEXIST, "%s is there already; --force replaces it", path);
	rv = api_open(client->api, &request, &stream, err);
	if (rv == 0)
		rv = save(stream, path, temporary, &size, err);
	if (rv == 0)
		print_done(&client->output, path, size);
	return rv;
}

const struct command cmd_backup = {
	.name = "backup",
	.arguments = "FILE",
	.summary = "Save a copy of the data base while capqd runs",
	.details = "The copy is consistent and is an SQLite file; to restore, stop capqd and\n"
		   "put it where capqd.db was. FILE appears only when it is whole and on the\n"
		   "disk.\n",
	.examples = "capq backup /var/backups/capqd-$(date +%F).db\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
