/* The two ways in which device code is compressed. Pure. */
#ifndef CAPQ_LIB_INFLATE_H
#define CAPQ_LIB_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/bytes.h"

/* What zstd works with, kept from one frame to the next: making it anew costs more than a small
 * frame. Zero-initialise it; the caller ends with inflater_finish(). */
struct inflater {
	struct ZSTD_DCtx_s *zstd; /* NULL until it is wanted. */
};

void inflater_finish(struct inflater *inflater);

/* Inflate all of `in`, an LZ4 block without a frame, or a zstd frame, to just `size` bytes at
 * `out`. False: it is damaged, or has another size. */
bool inflate_lz4(struct bytes in, unsigned char *out, size_t size);
bool inflate_zstd(struct inflater *inflater, struct bytes in, unsigned char *out, size_t size);

#endif
