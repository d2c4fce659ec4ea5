/* A stream saved in a file: it is written to PATH.tmp, forced to the disk, and only then gets its
 * name, so a file that is there is whole. */
#ifndef CAPQ_CLIENT_SAVE_H
#define CAPQ_CLIENT_SAVE_H

#include <stdint.h>
#include <sys/types.h>

#include "client/output.h"
#include "client/stream.h"

/* Read the stream to its end into `path`, which is replaced. An answer without a byte is none. */
int save_stream(
	struct stream *stream, const char *path, mode_t mode, int64_t *out_size, struct err *err);

/* Say that `path` was saved: "PATH: 4.2 KiB", or with --json {"file": ..., "bytes": ...}. */
void save_print(const struct output *output, const char *path, int64_t size);

#endif
