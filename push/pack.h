/* From a store path to the parts of its compressed NAR: read, hash, compress, hash again, and cut.
 *
 *   files --nar--> NAR --sha256--> compress --sha256--> part 1 (MD5), part 2 (MD5), ...
 *
 * pack_fill() makes one part and blocks while it does; it is meant for a worker thread, one at a
 * time. Between two calls nothing runs and nothing but `struct pack` itself is kept. */
#ifndef CAPQ_PUSH_PACK_H
#define CAPQ_PUSH_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/hash.h"
#include "push/compress.h"

struct path_info;
struct pack;

/* What object stores allow: 10000 parts, each but the last of one size, which is 5 MiB at least. */
#define PACK_PARTS_MAX 10000
#define PACK_PART_MIN (UINT64_C(8) << 20) /* We begin there: fewer requests than with 5 MiB. */
#define MD5_LEN 16

/* The size of the parts of a NAR of `nar_size` bytes: however badly it compresses, PACK_PARTS_MAX
 * are enough for it. */
uint64_t pack_part_size(uint64_t nar_size);

/* How large a buffer a part needs: its size, or less when the whole file is smaller. */
uint64_t pack_buffer_size(uint64_t nar_size);

/* Begin; `compress` is copied, but its size is the NAR's. `info` is borrowed and must outlive the
 * pack; nothing is opened yet. MD5 is what takes longest of what does not compress, so whoever does
 * not need it says so. */
struct pack *pack_create(
	const struct path_info *info, const struct compress_spec *compress, bool wants_md5);
void pack_destroy(struct pack *pack);

struct pack_part {
	size_t len;
	char md5[BASE64_LEN(MD5_LEN) + 1]; /* As Content-MD5 wants it; "" when nobody does. */
	bool is_last;
};

/* Make the next part: `size` bytes in `buf`, fewer when it is the last; never none. With the last
 * one the NAR was compared with what Nix says of it. CAPQ_EBUSY: the path changed (the message has
 * both hashes), or a file did while it was read; CAPQ_ETIMEOUT: pack_stop(); others as nar_read().
 * After an error only pack_destroy() is allowed. */
int pack_fill(
	struct pack *pack, unsigned char *buf, size_t size, struct pack_part *out, struct err *err);

/* From another thread: a pack_fill() that runs ends soon. */
void pack_stop(struct pack *pack);

/* From any thread: bytes of the NAR read so far. */
uint64_t pack_nar_bytes(const struct pack *pack);

/* After the last part: SHA-256 of the compressed file. Borrowed from `pack`. */
const unsigned char *pack_file_hash(const struct pack *pack);

#endif
