#include "push/pack.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/nar.h"
#include "push/path_info.h"

#define CHUNK (256u << 10) /* Of NAR, between two looks at `stop_wanted`. */
#define MIB (UINT64_C(1) << 20)

struct pack {
	const struct path_info *info;
	struct nar *nar; /* NULL before the first read. */
	struct compress_spec spec;
	struct compress *compress; /* NULL before the first read. */
	EVP_MD_CTX *nar_hash, *file_hash;
	bool wants_md5;

	unsigned char *chunk; /* CHUNK bytes of NAR, of which `in` is still to be compressed. */
	const unsigned char *in;
	size_t in_len;
	bool nar_ended, file_ended;

	/* A full part is the last one only if nothing follows; so the compressor is asked for some
	 * more, and what it gives waits here for the next part. */
	unsigned char rest[4096];
	size_t rest_len;

	unsigned char file_digest[SHA256_LEN];
	_Atomic uint64_t nar_bytes;
	_Atomic bool stop_wanted;
};

uint64_t pack_part_size(uint64_t nar_size)
{
	uint64_t bound = compress_bound(nar_size);
	uint64_t size = (bound + PACK_PARTS_MAX - 1) / PACK_PARTS_MAX;

	size = (size + MIB - 1) / MIB * MIB;
	return size < PACK_PART_MIN ? PACK_PART_MIN : size;
}

uint64_t pack_buffer_size(uint64_t nar_size)
{
	uint64_t part = pack_part_size(nar_size), whole = compress_bound(nar_size);

	return whole < part ? whole : part;
}

static EVP_MD_CTX *begin_hash(const EVP_MD *kind)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL || EVP_DigestInit_ex(context, kind, NULL) != 1)
		abort(); /* Without hashes nothing here can be trusted. */
	return context;
}

static void add_to_hash(EVP_MD_CTX *context, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(context, bytes, len) != 1)
		abort();
}

static void end_hash(EVP_MD_CTX *context, unsigned char *out)
{
	if (EVP_DigestFinal_ex(context, out, NULL) != 1)
		abort();
}

struct pack *pack_create(
	const struct path_info *info, const struct compress_spec *compress, bool wants_md5)
{
	struct pack *pack = xcalloc(1, sizeof *pack);

	pack->info = info;
	pack->spec = *compress;
	pack->spec.size = info->nar_size;
	pack->wants_md5 = wants_md5;
	pack->nar_hash = begin_hash(EVP_sha256());
	pack->file_hash = begin_hash(EVP_sha256());
	pack->chunk = xmalloc(CHUNK);
	return pack;
}

void pack_destroy(struct pack *pack)
{
	if (pack == NULL)
		return;
	nar_close(pack->nar);
	compress_destroy(pack->compress);
	EVP_MD_CTX_free(pack->nar_hash);
	EVP_MD_CTX_free(pack->file_hash);
	free(pack->chunk);
	free(pack);
}

void pack_stop(struct pack *pack)
{
	pack->stop_wanted = true;
}

uint64_t pack_nar_bytes(const struct pack *pack)
{
	return pack->nar_bytes;
}

const unsigned char *pack_file_hash(const struct pack *pack)
{
	return pack->file_digest;
}

/* ---- from the files to the NAR ---- */

/* The NAR must be what Nix's data base says it is. A store path that was damaged, or collected
 * while it was read, would otherwise get into the cache for good (cachix/cachix#251). */
static int check_nar(struct pack *pack, struct err *err)
{
	char wanted[NIX32_LEN(SHA256_LEN) + 1], found[NIX32_LEN(SHA256_LEN) + 1];
	unsigned char digest[SHA256_LEN];

	end_hash(pack->nar_hash, digest);
	if (memcmp(digest, pack->info->nar_hash, SHA256_LEN) == 0 &&
		pack->nar_bytes == pack->info->nar_size)
		return 0;
	nix32_encode(pack->info->nar_hash, SHA256_LEN, wanted);
	nix32_encode(digest, SHA256_LEN, found);
	return err_set(err, CAPQ_EBUSY,
		"its NAR is sha256:%s (%" PRIu64 " bytes), but Nix has registered sha256:%s "
		"(%" PRIu64 " bytes): run nix-store --repair-path %s",
		found, pack->nar_bytes, wanted, pack->info->nar_size, pack->info->path);
}

/* What does not compress passes zstd faster than it can be handed to workers and back. */
static void begin_compress(struct pack *pack, size_t len)
{
	if (pack->spec.workers > 0 && pack->spec.method == COMPRESS_ZSTD &&
		compress_is_vain(pack->chunk, len))
		pack->spec.workers = 0;
	pack->compress = compress_create(&pack->spec);
}

/* Read the next chunk of NAR into `in`; behind its end, check it. */
static int read_chunk(struct pack *pack, struct err *err)
{
	size_t len;
	int rv = 0;

	if (pack->stop_wanted)
		return err_set(err, CAPQ_ETIMEOUT, "stopped");
	if (pack->nar == NULL)
		rv = nar_open(pack->info->path, &pack->nar, err);
	if (rv == 0)
		rv = nar_read(pack->nar, pack->chunk, CHUNK, &len, err);
	if (rv < 0)
		return rv;
	if (pack->compress == NULL)
		begin_compress(pack, len);
	add_to_hash(pack->nar_hash, pack->chunk, len);
	pack->nar_bytes += len;
	pack->in = pack->chunk;
	/* Too long already: it only has to be hashed, to say so with both hashes. */
	pack->in_len = pack->nar_bytes <= pack->info->nar_size ? len : 0;
	pack->nar_ended = len < CHUNK;
	return pack->nar_ended ? check_nar(pack, err) : 0;
}

/* ---- from the NAR to the file ---- */

/* Put compressed bytes to `*out` until there is no more room or the file has ended. */
static int compress_some(struct pack *pack, unsigned char **out, size_t *room, struct err *err)
{
	while (*room > 0 && !pack->file_ended) {
		struct compress_io io = { .out = *out, .out_room = *room };
		int rv;

		if (pack->in_len == 0 && !pack->nar_ended) {
			rv = read_chunk(pack, err);
			if (rv < 0)
				return rv;
			continue;
		}
		io.in = pack->in;
		io.in_len = pack->in_len;
		io.in_is_last = pack->nar_ended;
		rv = compress_run(pack->compress, &io, err);
		if (rv < 0)
			return rv;
		pack->file_ended = rv == 1;
		pack->in = io.in;
		pack->in_len = io.in_len;
		*out = io.out;
		*room = io.out_room;
	}
	return 0;
}

static size_t take_rest(struct pack *pack, unsigned char *buf, size_t size)
{
	size_t n = pack->rest_len < size ? pack->rest_len : size;

	memcpy(buf, pack->rest, n);
	pack->rest_len -= n;
	memmove(pack->rest, pack->rest + n, pack->rest_len);
	return n;
}

/* Something for the next part, if there is one. */
static int fill_rest(struct pack *pack, struct err *err)
{
	unsigned char *out = pack->rest;
	size_t room = sizeof pack->rest;
	int rv = compress_some(pack, &out, &room, err);

	pack->rest_len = sizeof pack->rest - room;
	return rv;
}

static void add_md5(const unsigned char *buf, struct pack_part *out)
{
	unsigned char md5[MD5_LEN];
	EVP_MD_CTX *context = begin_hash(EVP_md5());

	add_to_hash(context, buf, out->len);
	end_hash(context, md5);
	EVP_MD_CTX_free(context);
	base64_encode(md5, sizeof md5, out->md5);
}

static void describe_part(struct pack *pack, const unsigned char *buf, struct pack_part *out)
{
	add_to_hash(pack->file_hash, buf, out->len);
	out->md5[0] = '\0';
	if (pack->wants_md5)
		add_md5(buf, out);
	out->is_last = pack->file_ended && pack->rest_len == 0;
	if (out->is_last)
		end_hash(pack->file_hash, pack->file_digest);
}

int pack_fill(
	struct pack *pack, unsigned char *buf, size_t size, struct pack_part *out, struct err *err)
{
	size_t had = take_rest(pack, buf, size), room = size - had;
	unsigned char *end = buf + had;
	int rv = compress_some(pack, &end, &room, err);

	if (rv == 0 && room == 0 && pack->rest_len == 0)
		rv = fill_rest(pack, err);
	if (rv < 0)
		return rv;
	out->len = size - room;
	describe_part(pack, buf, out);
	return 0;
}
