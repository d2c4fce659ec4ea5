/* Writing NARs, Nix's archives: a store path as the one stream of bytes that its hash is of.
 *
 * The stream is pulled, some bytes at a time, so that memory stays bounded however big a file is:
 * what is kept is the path from the top to where we are, with the names in each directory on it.
 * Blocking; for a worker thread. */
#ifndef CAPQ_PUSH_NAR_H
#define CAPQ_PUSH_NAR_H

#include <stddef.h>

#include "lib/err.h"

struct nar;

/* Begin the NAR of the file, symbolic link or directory `path` (copied). CAPQ_ENOTFOUND: there is
 * none. The caller closes `*out`. */
int nar_open(const char *path, struct nar **out, struct err *err);

/* The next bytes of the NAR: at most `size` of them to `buf`, how many to `*out_len`; less than
 * `size` only at the end, and 0 when all is read. CAPQ_EBUSY: a file changed while it was read.
 * CAPQ_EINVAL: something has no place in a NAR (a socket, a device). CAPQ_ENOTFOUND and
 * CAPQ_EFAILED: it cannot be read. After an error only nar_close() is allowed. */
int nar_read(struct nar *nar, void *buf, size_t size, size_t *out_len, struct err *err);

void nar_close(struct nar *nar);

#endif
