#include "push/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

int lock_prepare(const char *directory, struct err *err)
{
	if (mkdir(directory, 0755) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s", directory);
	if (access(directory, W_OK | X_OK) != 0)
		return err_errno(err, errno, "cannot write to %s", directory);
	return 0;
}

bool lock_is_still(int fd, const char *file)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(file, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

int lock_take(const char *directory, const char *path, struct lock *out, struct err *err)
{
	cleanup_free char *file =
		str_format("%s/%.*s", directory, STORE_HASH_LEN, store_path_base(path));

	for (;;) {
		cleanup_close int fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

		if (fd < 0)
			return err_errno(err, errno, "cannot open %s", file);
		if (flock(fd, LOCK_EX | LOCK_NB) != 0)
			return errno == EWOULDBLOCK ? err_set(err, CAPQ_EBUSY, "%s is locked", file)
						    : err_errno(err, errno, "cannot lock %s", file);
		if (lock_is_still(fd, file)) {
			*out = (struct lock){ .fd = fd, .file = STEAL_POINTER(file) };
			fd = -1; /* Now theirs. */
			return 0;
		}
	}
}

void lock_release(struct lock *lock)
{
	if (lock->file == NULL)
		return;
	(void)unlink(lock->file); /* While we hold it: see lock_is_still(). */
	(void)close(lock->fd);
	free(lock->file);
	*lock = LOCK_NONE;
}
