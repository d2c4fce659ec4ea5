#include "push/compress.h"

#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>

#include "lib/mem.h"

/* zstd's own default, which is Nix's too; bench/push.md says what other levels would give. */
static const struct compress_names names[] = {
	[COMPRESS_ZSTD] = { "zstd", "zst", "ZSTD", 3, 19 },
	[COMPRESS_XZ] = { "xz", "xz", "XZ", 2, 9 },
};

/* What a worker gets at a time, and the half window before it that it looks back into: no larger
 * than from one thread, in a quarter of the memory that zstd's default jobs of four windows take.
 * xz compresses each on its own. */
#define ZSTD_JOB (UINT64_C(2) << 20)
#define ZSTD_OVERLAP 7
#define XZ_BLOCK_DICTIONARIES 3

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

/* ---- memory ---- */

/* Tables for each who compresses; for workers also the bytes that are on their way to and from
 * them. A small input needs small tables only. */
static uint64_t zstd_memory_of(const struct compress_spec *spec)
{
	uint64_t tables, on_the_way;
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(zstd_memory) && zstd_memory[i].level < spec->level)
		i++;
	tables = zstd_memory[i].mib << 20;
	if (spec->workers == 0)
		return spec->size < tables / 8 ? 8 * spec->size + (256 << 10) : tables;
	on_the_way = (2 * spec->workers + 4) * ZSTD_JOB;
	return spec->workers * tables + on_the_way;
}

static void set_xz(const struct compress_spec *spec, lzma_options_lzma *options)
{
	uint64_t enough = spec->size < LZMA_DICT_SIZE_MIN ? LZMA_DICT_SIZE_MIN : spec->size;

	if (lzma_lzma_preset(options, (uint32_t)spec->level))
		abort(); /* The level was checked. */
	if (options->dict_size > enough)
		options->dict_size = (uint32_t)enough;
}

static lzma_mt xz_workers(const struct compress_spec *spec, const lzma_filter *filters,
	const lzma_options_lzma *options)
{
	return (lzma_mt){
		.threads = spec->workers,
		.block_size = (uint64_t)options->dict_size * XZ_BLOCK_DICTIONARIES,
		.filters = filters,
		.check = LZMA_CHECK_CRC64,
	};
}

uint64_t compress_memory(const struct compress_spec *spec)
{
	lzma_options_lzma options;
	const lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options },
		{ LZMA_VLI_UNKNOWN, NULL } };
	lzma_mt workers;

	if (spec->method == COMPRESS_ZSTD)
		return zstd_memory_of(spec);
	set_xz(spec, &options);
	workers = xz_workers(spec, filters, &options);
	return spec->workers == 0 ? lzma_raw_encoder_memusage(filters)
				  : lzma_stream_encoder_mt_memusage(&workers);
}

/* zstd adds 3 bytes to each block of 128 KiB that does not compress, xz 1/16384; both a header and
 * an end. */
uint64_t compress_bound(uint64_t size)
{
	return size + size / 4096 + 1024;
}

/* zstd's fastest: what gains nothing there gains next to nothing anywhere. */
bool compress_is_vain(const void *bytes, size_t len)
{
	size_t room = ZSTD_compressBound(len), n;
	cleanup_free void *out = xmalloc(room);

	n = ZSTD_compress(out, room, bytes, len, 1);
	return ZSTD_isError(n) || n > len - len / 32;
}

/* ---- streams ---- */

static void begin_xz(struct compress *c, const struct compress_spec *spec)
{
	lzma_options_lzma options;
	const lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options },
		{ LZMA_VLI_UNKNOWN, NULL } };
	lzma_mt workers;
	lzma_ret rv;

	set_xz(spec, &options);
	workers = xz_workers(spec, filters, &options);
	c->xz = (lzma_stream)LZMA_STREAM_INIT;
	rv = spec->workers == 0 ? lzma_stream_encoder(&c->xz, filters, LZMA_CHECK_CRC64)
				: lzma_stream_encoder_mt(&c->xz, &workers);
	if (rv != LZMA_OK)
		abort(); /* Memory is exhausted. */
}

static void set(struct compress *c, ZSTD_cParameter parameter, int value)
{
	if (ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, parameter, value)))
		abort(); /* A value out of bounds. */
}

static void begin_zstd(struct compress *c, const struct compress_spec *spec)
{
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL)
		abort();
	set(c, ZSTD_c_compressionLevel, spec->level);
	if (spec->workers > 0) {
		set(c, ZSTD_c_nbWorkers, (int)spec->workers);
		set(c, ZSTD_c_jobSize, (int)ZSTD_JOB);
		set(c, ZSTD_c_overlapLog, ZSTD_OVERLAP);
	}
	/* The tables fit what comes, which for small paths is most of the work. */
	(void)ZSTD_CCtx_setPledgedSrcSize(c->zstd, spec->size);
}

struct compress *compress_create(const struct compress_spec *spec)
{
	struct compress *c = xcalloc(1, sizeof *c);

	c->method = spec->method;
	if (spec->method == COMPRESS_XZ)
		begin_xz(c, spec);
	else
		begin_zstd(c, spec);
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
