/* Signing keys and signatures, against what Nix itself makes. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/path_info.h"
#include "push/sign.h"

/* The seed 00 01 .. 1f; `nix store sign` of Nix 2.8 gives this signature for this path. */
#define KEY                                                                                        \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
#define PUBLIC "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
#define LEAF "/nix/store/4cbmca7191r2j87ddsg8f5m9sv2sjjyp-proof-leaf"
#define MID "/nix/store/crhd86h7cldlfz66irwwwa7c1ci0xyax-proof-mid"
#define NAR_HASH "0qmgspb2xgsbrs9qz2hbsyg9qa8w649x9i44mby1rdq2q429nszs"
#define FINGERPRINT "1;" MID ";sha256:" NAR_HASH ";704;" LEAF
#define SIGNATURE                                                                                  \
	"swQkTClCIcjiyWTY9ETZxDYUUF5u2iPbII/S0I5o1eU5JSJVCLG6nJ0vcpeuFxFjr+YtsJQq8ZV5/EgPKExICA=="

static void the_vector(void **state)
{
	char leaf[] = LEAF, path[] = MID, *references[] = { leaf };
	struct path_info info = {
		.path = path,
		.is_valid = true,
		.nar_size = 704,
		.references = references,
		.n_references = 1,
	};
	char signature[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1];
	cleanup_str struct str fingerprint = { 0 };
	struct sign_key *key;

	(void)state;
	assert_true(nix32_decode(NAR_HASH, info.nar_hash, SHA256_LEN));
	sign_fingerprint(&info, &fingerprint);
	assert_string_equal(str_text(&fingerprint), FINGERPRINT);
	assert_int_equal(sign_key_create(KEY, strlen(KEY), &key, NULL), 0);
	assert_string_equal(sign_key_public(key), PUBLIC);
	sign_text(key, str_text(&fingerprint), signature);
	assert_string_equal(signature, SIGNATURE);
	sign_key_destroy(key);
}

static void fingerprints(void **state)
{
	char path[] = MID, one[] = LEAF, two[] = MID, *references[] = { one, two };
	struct path_info info = { .path = path, .nar_size = 96 };
	cleanup_str struct str none = { 0 }, both = { 0 };

	(void)state;
	sign_fingerprint(&info, &none);
	assert_true(str_ends(str_text(&none), ";96;")); /* Nothing behind the last one. */
	info.references = references;
	info.n_references = 2;
	sign_fingerprint(&info, &both);
	assert_true(str_ends(str_text(&both), ";96;" LEAF "," MID));
}

static void both_forms_of_a_key(void **state)
{
	static const char *const texts[] = {
		KEY,
		KEY "\n",
		"  " KEY " \t\r\n",
		"cache.example.org-1:" KEY,
		"cache.example.org-1:" KEY "\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sign_key *key;

		assert_int_equal(sign_key_create(texts[i], strlen(texts[i]), &key, NULL), 0);
		assert_string_equal(sign_key_public(key), PUBLIC);
		sign_key_destroy(key);
	}
}

static void what_is_no_key(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		"name:",
		PUBLIC,
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", /* The seed alone. */
		KEY KEY,
		"%AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkEl"
		"UxuA==",
		"name:other:" KEY,
		/* The public half is another's. */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8EoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkEl"
		"UxuA==",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sign_key *key = NULL;
		struct err err = { 0 };

		assert_int_equal(
			sign_key_create(texts[i], strlen(texts[i]), &key, &err), CAPQ_EINVAL);
		assert_null(key);
		assert_null(strstr(err.text, "AAEC")); /* It tells nothing of the key. */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(both_forms_of_a_key),
		cmocka_unit_test(what_is_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
