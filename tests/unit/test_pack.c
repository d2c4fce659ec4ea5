/* Parts: how large they are, and that together they are the compressed NAR. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <lzma.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "push/compress.h"
#include "push/nar.h"
#include "push/pack.h"
#include "push/path_info.h"

#define MIB (UINT64_C(1) << 20)
#define GB UINT64_C(1000000000)

static void part_sizes(void **state)
{
	static const struct {
		uint64_t nar_size, part_size;
	} cases[] = {
		{ 0, 8 * MIB },
		{ 96, 8 * MIB },
		{ 8 * MIB, 8 * MIB },
		{ GB, 8 * MIB },
		{ 80 * GB, 8 * MIB },
		{ 84 * GB, 9 * MIB }, /* 8 MiB x 10000 is no longer enough. */
		{ 200 * GB, 20 * MIB },
		{ 216 * 1024 * MIB, 23 * MIB }, /* cachix/cachix#639 */
		{ 5000 * GB, 477 * MIB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t size = pack_part_size(cases[i].nar_size);

		assert_int_equal(size, cases[i].part_size);
		assert_true(compress_bound(cases[i].nar_size) <= size * PACK_PARTS_MAX);
		assert_true(pack_buffer_size(cases[i].nar_size) <= size);
	}
	assert_true(pack_buffer_size(96) < 4096);
	assert_int_equal(pack_buffer_size(GB), 8 * MIB);
}

/* ---- packing ---- */

struct fixture {
	char file[32];
	struct path_info info; /* Of `file`, as Nix would have it. */
	struct str nar;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	int fd;

	strcpy(f->file, "/tmp/test_pack.XXXXXX");
	fd = mkstemp(f->file);
	assert_true(fd >= 0);
	close(fd);
	f->info.path = f->file;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->file);
	str_free(&f->nar);
	free(f);
	return 0;
}

/* Fill the file with `size` bytes, random or zeros, and register it. */
static void make_file(struct fixture *f, size_t size, bool is_random)
{
	FILE *file = fopen(f->file, "w");
	struct nar *nar;
	char buf[4096];
	size_t len;

	for (size_t i = 0; i < size; i++)
		(void)fputc(is_random ? (int)(random() & 255) : 0, file);
	(void)fclose(file);
	str_clear(&f->nar);
	assert_int_equal(nar_open(f->file, &nar, NULL), 0);
	while (nar_read(nar, buf, sizeof buf, &len, NULL) == 0 && len > 0)
		str_add_bytes(&f->nar, buf, len);
	nar_close(nar);
	f->info.nar_size = f->nar.len;
	sha256(f->nar.text, f->nar.len, f->info.nar_hash);
}

static struct pack *begin(const struct fixture *f, enum compress_method method, unsigned workers)
{
	struct compress_spec spec = { .method = method, .level = 2, .workers = workers };

	return pack_create(&f->info, &spec, true);
}

static void check_md5(const unsigned char *bytes, const struct pack_part *part)
{
	unsigned char md5[MD5_LEN];
	char text[BASE64_LEN(MD5_LEN) + 1];

	assert_int_equal(EVP_Digest(bytes, part->len, md5, NULL, EVP_md5(), NULL), 1);
	base64_encode(md5, sizeof md5, text);
	assert_string_equal(part->md5, text);
}

/* All parts, `size` bytes each but the last, into `file`. Returns their number. */
static size_t pack_all(struct pack *pack, size_t size, struct str *file)
{
	cleanup_free unsigned char *buf = xmalloc(size);
	struct pack_part part;
	struct err err;
	size_t n = 0;

	do {
		if (pack_fill(pack, buf, size, &part, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(part.len > 0);
		assert_true(part.len == size || (part.is_last && part.len < size));
		check_md5(buf, &part);
		str_add_bytes(file, buf, part.len);
		n++;
	} while (!part.is_last);
	return n;
}

static void expect_unpacked(const struct fixture *f, const struct str *file, enum compress_method m)
{
	cleanup_free uint8_t *out = xmalloc(f->nar.len + 1);
	size_t in_at = 0, out_at = 0;
	uint64_t limit = UINT64_MAX;

	if (m == COMPRESS_XZ) {
		assert_int_equal(
			lzma_stream_buffer_decode(&limit, 0, NULL, (const uint8_t *)file->text,
				&in_at, file->len, out, &out_at, f->nar.len + 1),
			LZMA_OK);
		assert_int_equal(in_at, file->len);
	} else {
		out_at = ZSTD_decompress(out, f->nar.len + 1, file->text, file->len);
	}
	assert_int_equal(out_at, f->nar.len);
	assert_memory_equal(out, f->nar.text, f->nar.len);
}

static void expect_parts_of(struct fixture *f, unsigned workers, size_t part_size, size_t wanted)
{
	for (int m = 0; m < COMPRESS_METHODS; m++) {
		struct pack *pack = begin(f, (enum compress_method)m, workers);
		unsigned char hash[SHA256_LEN];
		cleanup_str struct str file = { 0 };
		size_t n = pack_all(pack, part_size, &file);

		if (wanted > 0)
			assert_int_equal(n, wanted);
		sha256(file.text, file.len, hash);
		assert_memory_equal(pack_file_hash(pack), hash, SHA256_LEN);
		assert_int_equal(pack_nar_bytes(pack), f->info.nar_size);
		assert_true(file.len <= compress_bound(f->info.nar_size));
		expect_unpacked(f, &file, (enum compress_method)m);
		pack_destroy(pack);
	}
}

static void expect_parts(struct fixture *f, size_t part_size, size_t wanted)
{
	expect_parts_of(f, 0, part_size, wanted);
	expect_parts_of(f, 2, part_size, wanted);
}

static void parts_are_the_file(void **state)
{
	struct fixture *f = *state;

	make_file(f, 0, false);
	expect_parts(f, 100000, 1);
	make_file(f, 1000000, true);
	expect_parts(f, 300000, 4);
	expect_parts(f, 1 << 20, 1);
	make_file(f, 3000000, false); /* Hardly anything comes out of much. */
	expect_parts(f, 100000, 1);
	make_file(f, 20000, true);
	expect_parts(f, 1, 0); /* As many parts as bytes. */
	expect_parts(f, 7, 0);
}

/* A file that fills its parts to the last byte does not end with an empty one. */
static void no_empty_last_part(void **state)
{
	struct fixture *f = *state;
	cleanup_str struct str file = { 0 };
	struct pack *pack;

	make_file(f, 100000, true);
	pack = begin(f, COMPRESS_ZSTD, 0);
	assert_int_equal(pack_all(pack, 1 << 20, &file), 1);
	pack_destroy(pack);
	for (size_t n = 1; n <= 4; n++) {
		if (file.len % n != 0)
			continue;
		str_clear(&f->nar);
		pack = begin(f, COMPRESS_ZSTD, 0);
		assert_int_equal(pack_all(pack, file.len / n, &f->nar), n);
		pack_destroy(pack);
	}
}

static int pack_until_error(struct fixture *f, struct err *err)
{
	struct pack *pack = begin(f, COMPRESS_ZSTD, 0);
	cleanup_free unsigned char *buf = xmalloc(65536);
	struct pack_part part = { 0 };
	int rv = 0;

	while (rv == 0 && !part.is_last)
		rv = pack_fill(pack, buf, 65536, &part, err);
	pack_destroy(pack);
	return rv;
}

static void what_nix_did_not_register(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	const char *colon;

	make_file(f, 500000, true);
	f->info.nar_hash[0] ^= 1; /* Another content. */
	assert_int_equal(pack_until_error(f, &err), CAPQ_EBUSY);
	colon = strstr(err.text, "sha256:");
	assert_non_null(colon);
	assert_non_null(strstr(colon + 1, "sha256:")); /* Both hashes. */

	f->info.nar_hash[0] ^= 1;
	assert_int_equal(pack_until_error(f, &err), 0);
	f->info.nar_size -= 400000; /* It has grown. */
	assert_int_equal(pack_until_error(f, &err), CAPQ_EBUSY);
	assert_non_null(strstr(err.text, "(500112 bytes)"));
	assert_non_null(strstr(err.text, "(100112 bytes)"));
	f->info.nar_size += 500000; /* It has shrunk. */
	assert_int_equal(pack_until_error(f, &err), CAPQ_EBUSY);
	unlink(f->file);
	assert_int_equal(pack_until_error(f, &err), CAPQ_ENOTFOUND);
}

static void stopping(void **state)
{
	struct fixture *f = *state;
	struct pack *pack = begin(f, COMPRESS_XZ, 0);
	unsigned char buf[100];
	struct pack_part part;

	pack_stop(pack);
	assert_int_equal(pack_fill(pack, buf, sizeof buf, &part, NULL), CAPQ_ETIMEOUT);
	pack_destroy(pack);
}

static uint64_t memory_of(int method, int level, unsigned workers)
{
	struct compress_spec spec = {
		.method = (enum compress_method)method,
		.level = level,
		.workers = workers,
		.size = GB,
	};

	return compress_memory(&spec);
}

static void memory_grows_with_level_and_workers(void **state)
{
	(void)state;
	for (int m = 0; m < COMPRESS_METHODS; m++)
		for (int level = 1; level <= compress_names((enum compress_method)m)->max_level;
			level++) {
			assert_true(memory_of(m, level, 0) >= memory_of(m, level - 1, 0));
			assert_true(memory_of(m, level, 2) > memory_of(m, level, 0));
			assert_true(memory_of(m, level, 4) > memory_of(m, level, 2));
		}
}

/* A small path costs little, so that many go at once. */
static void a_small_input_takes_little_memory(void **state)
{
	struct compress_spec spec = { .level = 3, .size = 1000 };

	(void)state;
	for (int m = 0; m < COMPRESS_METHODS; m++) {
		spec.method = (enum compress_method)m;
		assert_true(compress_memory(&spec) < 2 * MIB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_sizes),
		cmocka_unit_test_setup_teardown(parts_are_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(no_empty_last_part, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nix_did_not_register, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping, setup, teardown),
		cmocka_unit_test(memory_grows_with_level_and_workers),
		cmocka_unit_test(a_small_input_takes_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
