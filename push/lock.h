/* One file a path in a directory that several pushing processes share: whoever holds its lock
 * pushes the path. */
#ifndef CAPQ_PUSH_LOCK_H
#define CAPQ_PUSH_LOCK_H

#include <stdbool.h>

#include "lib/err.h"

struct lock {
	int fd;     /* -1: not held. */
	char *file; /* NULL: not held. */
};

#define LOCK_NONE ((struct lock){ .fd = -1 })

/* Make `directory` if it is not there. */
int lock_prepare(const char *directory, struct err *err);

/* Take the lock of the store path `path` in `directory`, creating its file. Never waits:
 * CAPQ_EBUSY: another process has it. */
int lock_take(const char *directory, const char *path, struct lock *out, struct err *err);

/* Let it go and remove its file. Harmless when it is not held. */
void lock_release(struct lock *lock);

/* Is `fd`, which was just locked, still what `file` names? Who held the lock before us may have
 * removed the file between our open() and flock(): then we have locked what nobody else can find
 * any more. */
bool lock_is_still(int fd, const char *file);

#endif
