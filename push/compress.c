#include "push/compress.h"

#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>

#include "lib/mem.h"

static const struct compress_names names[] = {
	[COMPRESS_ZSTD] = { "zstd", "zst", "ZSTD", 2, 19 },
	[COMPRESS_XZ] = { "xz", "xz", "XZ", 2, 9 },
};

/* Measured with ZSTD_sizeof_CCtx() of zstd 1.5.4; the first row whose level is no lower counts.
 * liblzma can be asked. */
static const struct {
	int level;
	uint64_t mib;
} zstd_memory[] = { { 3, 4 }, { 8, 9 }, { 9, 17 }, { 15, 69 }, { 19, 90 } };

struct compress {
	enum compress_method method;
	ZSTD_CCtx *zstd;
	lzma_stream xz;
};

const struct compress_names *compress_names(enum compress_method method)
{
	return &names[method];
}

uint64_t compress_memory(enum compress_method method, int level)
{
	size_t i = 0;

	if (method == COMPRESS_XZ)
		return lzma_easy_encoder_memusage((uint32_t)level);
	while (i + 1 < ARRAY_LEN(zstd_memory) && zstd_memory[i].level < level)
		i++;
	return zstd_memory[i].mib << 20;
}

/* zstd adds 3 bytes to each block of 128 KiB that does not compress, xz 1/16384; both a header and
 * an end. */
uint64_t compress_bound(uint64_t size)
{
	return size + size / 4096 + 1024;
}

struct compress *compress_create(enum compress_method method, int level)
{
	struct compress *c = xcalloc(1, sizeof *c);

	c->method = method;
	if (method == COMPRESS_XZ) {
		c->xz = (lzma_stream)LZMA_STREAM_INIT;
		if (lzma_easy_encoder(&c->xz, (uint32_t)level, LZMA_CHECK_CRC64) != LZMA_OK)
			abort(); /* The level was checked: memory is exhausted. */
		return c;
	}
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL)
		abort();
	(void)ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level);
	return c;
}

void compress_destroy(struct compress *compress)
{
	if (compress == NULL)
		return;
	if (compress->method == COMPRESS_XZ)
		lzma_end(&compress->xz);
	(void)ZSTD_freeCCtx(compress->zstd);
	free(compress);
}

static int run_zstd(struct compress *c, struct compress_io *io, struct err *err)
{
	ZSTD_inBuffer in = { .src = io->in, .size = io->in_len };
	ZSTD_outBuffer out = { .dst = io->out, .size = io->out_room };
	ZSTD_EndDirective end = io->in_is_last ? ZSTD_e_end : ZSTD_e_continue;
	size_t left = ZSTD_compressStream2(c->zstd, &out, &in, end);

	if (ZSTD_isError(left))
		return err_set(err, CAPQ_EFAILED, "zstd: %s", ZSTD_getErrorName(left));
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_room -= out.pos;
	return io->in_is_last && left == 0;
}

static int run_xz(struct compress *c, struct compress_io *io, struct err *err)
{
	lzma_ret rv;

	c->xz.next_in = io->in;
	c->xz.avail_in = io->in_len;
	c->xz.next_out = io->out;
	c->xz.avail_out = io->out_room;
	rv = lzma_code(&c->xz, io->in_is_last ? LZMA_FINISH : LZMA_RUN);
	if (rv != LZMA_OK && rv != LZMA_STREAM_END)
		return err_set(err, CAPQ_EFAILED, "xz: error %d of liblzma", (int)rv);
	io->in = c->xz.next_in;
	io->in_len = c->xz.avail_in;
	io->out = c->xz.next_out;
	io->out_room = c->xz.avail_out;
	return rv == LZMA_STREAM_END;
}

int compress_run(struct compress *compress, struct compress_io *io, struct err *err)
{
	return compress->method == COMPRESS_XZ ? run_xz(compress, io, err)
					       : run_zstd(compress, io, err);
}
