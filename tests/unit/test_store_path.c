/* Store paths, package names, and Nix's base 32 by the vectors of `nix-hash --to-base32`. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

#define HASH "7adfd7q8ks567v0q04c7z7adlv75rspx"

/* Asked with memory of just that size, so that ASan and valgrind see a look beyond it. */
static bool is_valid(const char *path, size_t len)
{
	char *exact = xmalloc(len);
	bool valid;

	memcpy(exact, path, len);
	valid = store_path_is_valid(exact, len);
	free(exact);
	return valid;
}

static void store_paths_are_valid_or_not(void **state)
{
	static const char *const good[] = { "/nix/store/" HASH "-stdenv-1.0",
		"/nix/store/" HASH "-a", "/nix/store/" HASH "-A+z-9._?=", "/nix/store/" HASH "--",
		/* A leading dot: since Nix 2.20. */
		"/nix/store/" HASH "-.gitignore", "/nix/store/" HASH "-...",
		"/nix/store/" HASH "-..x", "/nix/store/" HASH "-...-x" };
	static const char *const bad[] = { "", "/nix/store", "/nix/store/", "/nix/store/" HASH,
		"/nix/store/" HASH "-", "/nix/store/" HASH "_x", "/nix/stor/" HASH "-xxxx",
		"/nix/Store/" HASH "-x", "nix/store/" HASH "-xx",
		"/nix/store/7adfd7q8ks567v0q04c7z7adlv75rsp-x",   /* 31 characters. */
		"/nix/store/7adfd7q8ks567v0q04c7z7adlv75rspxx-x", /* 33 */
		"/nix/store/7adfd7q8ks567v0q04c7z7adlv75rspe-x",  /* No e in the alphabet. */
		"/nix/store/7ADFD7q8ks567v0q04c7z7adlv75rspx-x", "/nix/store/" HASH "-a/bin",
		"/nix/store/" HASH "-a b", "/nix/store/" HASH "-a!out",
		"/nix/store/" HASH "-caf\xc3\xa9", "/nix/store/" HASH "-.",
		"/nix/store/" HASH "-..", "/nix/store/" HASH "-.-x", "/nix/store/" HASH "-..-x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(is_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(is_valid(bad[i], strlen(bad[i])));
	/* The length decides, not a NUL. */
	assert_true(is_valid("/nix/store/" HASH "-a!out", 45));
	assert_false(is_valid("/nix/store/" HASH "-a\0b", 47));
	assert_false(is_valid("/nix/store/7adfd7q8ks567v0q04c7z7adlv75rsp\0-x", 45));
}

static void a_name_has_at_most_211_bytes(void **state)
{
	char path[STORE_PATH_MAX + 1];
	size_t base = strlen("/nix/store/" HASH "-");

	(void)state;
	memset(path, 'x', sizeof path);
	memcpy(path, "/nix/store/" HASH "-", base);
	assert_true(store_path_is_valid(path, base + 211));
	assert_false(store_path_is_valid(path, base + 212));
	assert_int_equal(STORE_PATH_MAX, base + 211 + 1);
}

static void parts_of_a_path(void **state)
{
	const char *path = "/nix/store/" HASH "-torch-2.5.1.drv";

	(void)state;
	assert_string_equal(store_path_base(path), HASH "-torch-2.5.1.drv");
	assert_string_equal(store_path_name(path), "torch-2.5.1.drv");
}

static void derivations_end_in_drv(void **state)
{
	(void)state;
	assert_true(store_path_is_drv("/nix/store/" HASH "-x.drv"));
	assert_true(store_path_is_drv("/nix/store/" HASH "-.drv"));
	assert_false(store_path_is_drv("/nix/store/" HASH "-drv"));
	assert_false(store_path_is_drv("/nix/store/" HASH "-x.drv.out"));
	assert_false(store_path_is_drv("/tmp/x.drv"));
	assert_false(store_path_is_drv(".drv"));
	assert_false(store_path_is_drv(""));
}

/* As builtins.parseDrvName cuts them; that of Nix 2.8 was asked for each. */
static void package_names(void **state)
{
	static const struct {
		const char *name, *package;
	} cases[] = {
		{ "torch-2.5.1", "torch" },
		{ "torch-2.5.1.drv", "torch" },
		{ "python3.12-numpy-1.26", "python3.12-numpy" },
		{ "python3.12-torch-gpu-test-1.0", "python3.12-torch-gpu-test" },
		{ "stdenv", "stdenv" },
		{ "stdenv.drv", "stdenv" },
		{ "cuda_nvcc-12.4.99", "cuda_nvcc" },
		{ "a-b-_c-1", "a-b" },
		{ "foo-", "foo-" },
		{ "foo--1", "foo" },
		{ "-1", "" },
		{ "-a", "-a" },
		{ "", "" },
		{ ".drv", ".drv" },
	};
	char out[64], small[5];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		store_path_package(cases[i].name, out, sizeof out);
		assert_string_equal(out, cases[i].package);
	}
	store_path_package("torch-2.5.1", small, sizeof small);
	assert_string_equal(small, "torc");
	store_path_package("torc-2.5.1", small, sizeof small);
	assert_string_equal(small, "torc");
	store_path_package("torch-2.5.1", small, 1);
	assert_string_equal(small, "");
}

static void base_32_of_sha256(void **state)
{
	static const struct {
		const char *text, *nix32;
	} cases[] = {
		{ "", "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73" },
		{ "abc", "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s" },
		{ "capq", "0p731gbry9q9qlnnkqw40kg9ylvn3bzm774il9zp3fx8cr33j478" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char digest[SHA256_LEN], back[SHA256_LEN];
		char text[NIX32_LEN(SHA256_LEN) + 1];

		sha256(cases[i].text, strlen(cases[i].text), digest);
		nix32_encode(digest, sizeof digest, text);
		assert_string_equal(text, cases[i].nix32);
		assert_true(nix32_decode(text, back, sizeof back));
		assert_memory_equal(back, digest, sizeof digest);
	}
}

static void base_32_of_other_lengths(void **state)
{
	/* The SHA-1 of "abc". */
	static const unsigned char sha1[] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba,
		0x3e, 0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
	static const unsigned char last[16] = { [15] = 1 }, first[16] = { 1 };
	static const struct {
		const unsigned char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
		{ last, 16, "01000000000000000000000000" },
		{ first, 16, "00000000000000000000000001" },
		{ sha1, sizeof sha1, "kpcd173cq987hw957sx6m0868wv3x6d9" },
		{ (const unsigned char *)"\xff", 1, "7z" },
		{ (const unsigned char *)"\xff\xff\xff\xff\xff", 5, "zzzzzzzz" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char back[32];
		char text[64];

		nix32_encode(cases[i].bytes, cases[i].len, text);
		assert_string_equal(text, cases[i].text);
		assert_true(nix32_decode(text, back, cases[i].len));
		assert_memory_equal(back, cases[i].bytes, cases[i].len);
	}
}

static void base_32_that_is_none(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{ "8z", 1 }, /* One bit beyond the end. */
		{ "zz", 1 },
		{ "0e", 1 }, /* e, o, t, u are left out. */
		{ "0o", 1 },
		{ "0t", 1 },
		{ "0u", 1 },
		{ "0A", 1 },
		{ "0", 1 }, /* The NUL is no character. */
		{ "g0000000000000000000000000000000000000000000000000000", 32 },
		{ "20000000000000000000000000000000000000000000000000000", 32 },
		{ "0mdqa9w1p6cmli6976v4wi0sw9rep5prkj7lzfd1877wk11c9c73", 32 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char out[32];

		assert_false(nix32_decode(cases[i].text, out, cases[i].len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_paths_are_valid_or_not),
		cmocka_unit_test(a_name_has_at_most_211_bytes),
		cmocka_unit_test(parts_of_a_path),
		cmocka_unit_test(derivations_end_in_drv),
		cmocka_unit_test(package_names),
		cmocka_unit_test(base_32_of_sha256),
		cmocka_unit_test(base_32_of_other_lengths),
		cmocka_unit_test(base_32_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
