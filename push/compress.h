/* The two methods of compression that Cachix knows, as streams. Pure but for the memory they take.
 */
#ifndef CAPQ_PUSH_COMPRESS_H
#define CAPQ_PUSH_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct compress;

enum compress_method {
	COMPRESS_ZSTD,
	COMPRESS_XZ,
	COMPRESS_METHODS,
};

/* One method has three names at Cachix. */
struct compress_names {
	const char *name;       /* On the command line and in a narinfo: "zstd", "xz". */
	const char *suffix;     /* In a query and behind a file's name: "zst", "xz". */
	const char *preference; /* In a cache's metadata: "ZSTD", "XZ". */
	int level, max_level;   /* The default, and the highest; the lowest is 0. */
};

const struct compress_names *compress_names(enum compress_method method);

/* One stream. The same bytes come out however many workers there are, as long as there are some. */
struct compress_spec {
	enum compress_method method;
	int level;
	unsigned workers; /* Threads that compress while the caller goes on; 0: the caller does. */
	uint64_t size;    /* Bytes that will come, exactly. */
};

/* Bytes that a stream takes while it runs, roughly. */
uint64_t compress_memory(const struct compress_spec *spec);

/* No less than what `size` bytes can become, with either method. */
uint64_t compress_bound(uint64_t size);

/* Will bytes that begin like these hardly become fewer? Takes a third of a millisecond for 256 KiB.
 */
bool compress_is_vain(const void *bytes, size_t len);

struct compress *compress_create(const struct compress_spec *spec);
void compress_destroy(struct compress *compress);

/* What is to be compressed and where it goes; compress_run() moves both on. */
struct compress_io {
	const unsigned char *in;
	size_t in_len;
	bool in_is_last; /* Nothing comes behind `in`. */
	unsigned char *out;
	size_t out_room;
};

/* Go on until the input is used up or there is no more room. Returns 1 when the stream has ended
 * and all of it is written, 0 when it goes on, CAPQ_EFAILED when the library refuses. */
int compress_run(struct compress *compress, struct compress_io *io, struct err *err);

#endif
