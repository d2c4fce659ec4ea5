/* A stream saved in a file: it is written to PATH.tmp, forced to the disk, and only then gets its
 * name, so a file that is there is whole.
 *
 *   save_check()      before anything is asked for
 *   save_write()      of each, where several belong together
 *   save_keep()       of each, or save_drop() */
#ifndef CAPQ_CLIENT_SAVE_H
#define CAPQ_CLIENT_SAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/output.h"
#include "client/stream.h"

/* CAPQ_EEXIST when `path` is there already, and is not to be replaced. */
int save_check(const char *path, bool replaces, struct err *err);

/* Read the stream to its end into PATH.tmp, on the disk. An answer without a byte is none. */
int save_write(
	struct stream *stream, const char *path, mode_t mode, int64_t *out_size, struct err *err);

/* PATH.tmp becomes PATH; what has come to be there meanwhile is replaced only with `replaces`. Or
 * it is given up. */
int save_keep(const char *path, bool replaces, struct err *err);
void save_drop(const char *path);

/* Say that `path` was saved: "PATH: 4.2 KiB", or with --json {"file": ..., "bytes": ...}. */
void save_print(const struct output *output, const char *path, int64_t size);

#endif
