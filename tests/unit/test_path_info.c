/* What Nix prints of store paths, in all the shapes it has had. */
#include "tests/support/cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "push/path_info.h"

#define A "/nix/store/00000000000000000000000000000000-a"
#define B "/nix/store/11111111111111111111111111111111-b"
#define DRV "/nix/store/22222222222222222222222222222222-a.drv"
#define HASH "sha256-m2BRpL0bcYMeBVHdjGfRcxX66JvCv/5JDK47HR+Eabs="
#define FACTS "\"narHash\":\"" HASH "\",\"narSize\":168,\"references\":"

/* One line: "a <size> <hash's first letters> [references] deriver; ..." with base names. */
static void describe(const struct path_infos *infos, struct str *out)
{
	for (size_t i = 0; i < infos->n; i++) {
		const struct path_info *info = &infos->items[i];
		char hash[NIX32_LEN(SHA256_LEN) + 1];

		str_add(out, store_path_name(info->path));
		if (!info->is_valid) {
			str_add(out, " invalid; ");
			continue;
		}
		nix32_encode(info->nar_hash, SHA256_LEN, hash);
		str_addf(out, " %" PRIu64 " %.4s [", info->nar_size, hash);
		for (size_t k = 0; k < info->n_references; k++)
			str_addf(out, " %s", store_path_name(info->references[k]));
		str_addf(out, " ]%s%s; ", info->deriver == NULL ? "" : " ",
			info->deriver == NULL ? "" : store_path_name(info->deriver));
	}
}

static void read_as(const char *json, const char *wanted)
{
	struct path_infos infos = { 0 };
	cleanup_str struct str got = { 0 };
	struct err err = { 0 };

	if (path_infos_read(&infos, json, strlen(json), &err) < 0)
		fail_msg("%s: %s", json, err.text);
	path_infos_sort(&infos);
	describe(&infos, &got);
	assert_string_equal(str_text(&got), wanted);
	path_infos_free(&infos);
}

static void shapes(void **state)
{
	static const struct {
		const char *json;
		const char *wanted;
	} cases[] = {
		{ "[]", "" },
		{ "{}", "" },
		/* 2.8: what is absent is false or empty. */
		{ "[{\"path\":\"" A "\"," FACTS "[]}]", "a 168 1fv9 [ ]; " },
		{ "[{\"path\":\"" A "\",\"valid\":false}]", "a invalid; " },
		/* 2.18 and Lix: `valid` is always there. */
		{ "[{\"path\":\"" A "\",\"valid\":true," FACTS "[\"" B "\",\"" A
		  "\"],\"deriver\":\"" DRV "\"}]",
			"a 168 1fv9 [ a b ] a.drv; " },
		/* 2.19 and later. */
		{ "{\"" A "\":{" FACTS "[],\"ca\":null,\"deriver\":null},\"" B "\":null}",
			"a 168 1fv9 [ ]; b invalid; " },
		{ "{\"" A "\":{" FACTS "[],\"version\":1,\"storeDir\":\"/nix/store\"}}",
			"a 168 1fv9 [ ]; " },
		/* Formats 2 and 3. */
		{ "{\"version\":2,\"storeDir\":\"/nix/store\",\"info\":{"
		  "\"00000000000000000000000000000000-a\":{" FACTS
		  "[\"11111111111111111111111111111111-b\"],"
		  "\"deriver\":\"22222222222222222222222222222222-a.drv\","
		  "\"ca\":{\"method\":\"nar\",\"hash\":{}},"
		  "\"signatures\":[{\"keyName\":\"k\",\"sig\":\"s\"}]},"
		  "\"11111111111111111111111111111111-b\":null}}",
			"a 168 1fv9 [ b ] a.drv; b invalid; " },
		/* The three spellings of a hash; a reference that comes twice. */
		{ "[{\"path\":\"" A "\",\"narHash\":"
		  "\"sha256:0qmgspb2xgsbrs9qz2hbsyg9qa8w649x9i44mby1rdq2q429nszs\",\"narSize\":1,"
		  "\"references\":[\"" B "\",\"" B "\"]}]",
			"a 1 0qmg [ b ]; " },
		{ "[{\"path\":\"" A "\",\"narHash\":\"sha256:"
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
		  "\"narSize\":18446744073709551615,\"references\":[]}]",
			"a 18446744073709551615 0mdq [ ]; " },
		/* Valid once is valid. */
		{ "[{\"path\":\"" A "\",\"valid\":false},{\"path\":\"" A "\"," FACTS "[]}]",
			"a 168 1fv9 [ ]; " },
		{ "[{\"path\":\"" A "\"," FACTS "[],\"deriver\":\"unknown-deriver\"}]",
			"a 168 1fv9 [ ]; " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		read_as(cases[i].json, cases[i].wanted);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *json;
		const char *why;
	} cases[] = {
		{ "", "" },
		{ "3", "it is a number" },
		{ "[3]", "no path in /nix/store" },
		{ "[{\"path\":\"/etc/passwd\"}]", "no path in /nix/store" },
		{ "{\"nonsense\":null}", "no path in /nix/store" },
		{ "{\"version\":2,\"storeDir\":\"/my/store\",\"info\":{}}",
			"its store is /my/store" },
		{ "[{\"path\":\"" A "\"}]", A ": it has no SHA-256 narHash" },
		{ "[{\"path\":\"" A "\",\"narHash\":\"sha512-AAAA\"}]", "no SHA-256 narHash" },
		{ "[{\"path\":\"" A "\",\"narHash\":\"sha256-AAAA\"}]", "no SHA-256 narHash" },
		{ "[{\"path\":\"" A "\",\"narHash\":\"" HASH "\"}]", "no narSize" },
		{ "[{\"path\":\"" A "\",\"narHash\":\"" HASH "\",\"narSize\":-1}]", "no narSize" },
		{ "[{\"path\":\"" A "\",\"narHash\":\"" HASH "\",\"narSize\":1}]",
			"no list of references" },
		{ "[{\"path\":\"" A "\"," FACTS "[7]}]", "a reference is no store path" },
		{ "[{\"path\":\"" A "\"," FACTS "[]},{\"path\":\"" B "\"}]", B },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct path_infos infos = { 0 };
		struct err err = { 0 };

		assert_int_equal(
			path_infos_read(&infos, cases[i].json, strlen(cases[i].json), &err),
			CAPQ_EINVAL);
		if (strstr(err.text, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].json, err.text);
		assert_int_equal(infos.n, 0);
		path_infos_free(&infos);
	}
}

static char *read_fixture(const char *name)
{
	cleanup_free char *path =
		str_format("%s/tests/fixtures/nix/%s", getenv("CAPQ_SOURCE"), name);
	char *text = xcalloc(1, 1 << 16);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return text;
}

/* As Nix 2.8 and 2.25 printed it. */
static void recorded(void **state)
{
	static const struct {
		const char *fixture;
		size_t n;
		const char *begins; /* Of what is left out after 60 letters. */
	} cases[] = {
		{ "path-info-2.8.json", 4,
			"selfish 168 1fv9 [ selfish ] selfish.drv; openblas-1.0 1280" },
		{ "path-info-2.8-missing.json", 2,
			"missing invalid; selfish 168 1fv9 [ selfish ]" },
		{ "path-info-2.25.json", 11,
			"numpy-1.26 1400 0bgd [ openblas-1.0 python3-3.12.7 ] numpy-1.26.drv; "
			"torch" },
		{ "path-info-2.25-missing.json", 1, "missing invalid; " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *json = read_fixture(cases[i].fixture);
		struct path_infos infos = { 0 };
		cleanup_str struct str got = { 0 };

		assert_int_equal(path_infos_read(&infos, json, strlen(json), NULL), 0);
		path_infos_sort(&infos);
		describe(&infos, &got);
		if (!str_starts(str_text(&got), cases[i].begins))
			fail_msg("%s: %s", cases[i].fixture, str_text(&got));
		assert_int_equal(infos.n, cases[i].n);
		path_infos_free(&infos);
	}
}

/* As a list of texts, or of objects (format 3); what is neither is no signature. */
static void signatures(void **state)
{
	static const char json[] = "[{\"path\":\"" A "\"," FACTS
				   "[],\"signatures\":[\"k-1:c2ln\",7,{\"keyName\":\"l-1\","
				   "\"sig\":\"c2lnMg==\"},{\"keyName\":\"m-1\"}]},"
				   "{\"path\":\"" B "\"," FACTS "[],\"signatures\":null}]";
	struct path_infos infos = { 0 };

	(void)state;
	assert_int_equal(path_infos_read(&infos, json, strlen(json), NULL), 0);
	assert_int_equal(infos.items[0].n_signatures, 2);
	assert_string_equal(infos.items[0].signatures[0], "k-1:c2ln");
	assert_string_equal(infos.items[0].signatures[1], "l-1:c2lnMg==");
	assert_int_equal(infos.items[1].n_signatures, 0);
	path_infos_free(&infos);
}

static void finding(void **state)
{
	static const char json[] = "[{\"path\":\"" B "\",\"valid\":false},"
				   "{\"path\":\"" A "\",\"valid\":false}]";
	struct path_infos infos = { 0 };

	(void)state;
	assert_null(path_infos_find(&infos, A));
	assert_int_equal(path_infos_read(&infos, json, strlen(json), NULL), 0);
	path_infos_sort(&infos);
	assert_string_equal(path_infos_find(&infos, B)->path, B);
	assert_null(path_infos_find(&infos, DRV));
	path_infos_free(&infos);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(recorded),
		cmocka_unit_test(signatures),
		cmocka_unit_test(finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
