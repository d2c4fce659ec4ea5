/* What we send to Cachix: JSON as it expects it, and URLs. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"
#include "push/api.h"
#include "push/path_info.h"
#include "push/pin.h"
#include "push/question.h"

static void lists(void **state)
{
	const char *hashes[] = { "00000000000000000000000000000000-a-name",
		"11111111111111111111111111111111" };
	cleanup_str struct str one = { 0 }, none = { 0 }, md5 = { 0 };

	(void)state;
	question_missing(hashes, 2, &one);
	assert_string_equal(str_text(&one), "[\"00000000000000000000000000000000\","
					    "\"11111111111111111111111111111111\"]");
	question_missing(NULL, 0, &none);
	assert_string_equal(str_text(&none), "[]");
	question_presign("1B2M2Y8AsgTpgAmY7PhCfg==", &md5);
	assert_string_equal(str_text(&md5), "{\"contentMD5\":\"1B2M2Y8AsgTpgAmY7PhCfg==\"}");
}

/* The example of the protocol, every field in its own spelling. */
static void completing(void **state)
{
	char path[] = "/nix/store/crhd86h7cldlfz66irwwwa7c1ci0xyax-proof-mid";
	char leaf[] = "/nix/store/4cbmca7191r2j87ddsg8f5m9sv2sjjyp-proof-leaf";
	char deriver[] = "/nix/store/bazpqkv084pxz53mc7b7ih7dxnvnnqk6-proof-mid.drv";
	char etag[] = "\"9bb58f26192e4ba00f01e2e7b136bbd8\"";
	char *references[] = { leaf }, *etags[] = { etag, etag };
	struct path_info info = {
		.path = path,
		.is_valid = true,
		.nar_size = 704,
		.references = references,
		.n_references = 1,
		.deriver = deriver,
	};
	unsigned char file_hash[SHA256_LEN];
	struct question_complete question = {
		.info = &info,
		.etags = etags,
		.n_parts = 1,
		.file_hash = file_hash,
		.file_size = 236,
	};
	cleanup_str struct str full = { 0 }, bare = { 0 };

	(void)state;
	assert_true(nix32_decode(
		"0qmgspb2xgsbrs9qz2hbsyg9qa8w649x9i44mby1rdq2q429nszs", info.nar_hash, SHA256_LEN));
	assert_true(hex_decode("ab8b5346ce1bbeb78dacebe08c9ab556663a8d796502f09e648ef9d3914dc755",
		file_hash, SHA256_LEN));
	question_complete(&question, &full);
	assert_string_equal(str_text(&full),
		"{\"parts\":[{\"partNumber\":1,\"eTag\":\"\\\"9bb58f26192e4ba00f01e2e7b136bbd8\\\""
		"\"}],\"narInfoCreate\":{"
		"\"cStoreHash\":\"crhd86h7cldlfz66irwwwa7c1ci0xyax\","
		"\"cStoreSuffix\":\"proof-mid\","
		"\"cNarHash\":\"sha256:0qmgspb2xgsbrs9qz2hbsyg9qa8w649x9i44mby1rdq2q429nszs\","
		"\"cNarSize\":704,"
		"\"cFileHash\":\"ab8b5346ce1bbeb78dacebe08c9ab556663a8d796502f09e648ef9d3914dc755"
		"\",\"cFileSize\":236,"
		"\"cReferences\":[\"4cbmca7191r2j87ddsg8f5m9sv2sjjyp-proof-leaf\"],"
		"\"cDeriver\":\"bazpqkv084pxz53mc7b7ih7dxnvnnqk6-proof-mid.drv\","
		"\"cSig\":null}}");
	info.n_references = 0;
	info.deriver = NULL;
	question.n_parts = 2;
	question.signature = "SIGNATURE==";
	question_complete(&question, &bare);
	assert_non_null(strstr(str_text(&bare), "\"partNumber\":2"));
	assert_non_null(strstr(str_text(&bare), "\"cReferences\":[]"));
	assert_non_null(strstr(str_text(&bare), "\"cDeriver\":\"unknown-deriver\""));
	assert_non_null(strstr(str_text(&bare), "\"cSig\":\"SIGNATURE==\""));
}

static void pins(void **state)
{
	static const struct {
		struct pin_keep keep;
		const char *json;
	} cases[] = {
		{ { PIN_DEFAULT, 0 }, "null" },
		{ { PIN_FOREVER, 0 }, "{\"tag\":\"Forever\"}" },
		{ { PIN_DAYS, 30 }, "{\"tag\":\"Days\",\"contents\":30}" },
		{ { PIN_REVISIONS, 5 }, "{\"tag\":\"Revisions\",\"contents\":5}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *wanted = str_format(
			"{\"name\":\"a \\\"b\\\"\",\"storePath\":\"/nix/store/x\",\"artifacts\":[],"
			"\"keep\":%s}",
			cases[i].json);
		cleanup_str struct str got = { 0 };

		question_pin("a \"b\"", "/nix/store/x", &cases[i].keep, &got);
		assert_string_equal(str_text(&got), wanted);
	}
}

static void cache_urls(void **state)
{
	static const struct {
		const char *host, *name, *url; /* `url` NULL: it is refused. */
	} cases[] = {
		{ "https://cachix.org", "mine", "https://cachix.org/api/v1/cache/mine" },
		{ "https://cachix.org/", "mine", "https://cachix.org/api/v1/cache/mine" },
		{ "http://[::1]:8080/base/", "a b", "http://[::1]:8080/base/api/v1/cache/a%20b" },
		{ "https://h", "../x?y", "https://h/api/v1/cache/..%2Fx%3Fy" },
		{ "cachix.org", "mine", NULL },
		{ "ftp://cachix.org", "mine", NULL },
		{ "https://", "mine", NULL },
		{ "https:///path", "mine", NULL },
		{ "https://user:password@host", "mine", NULL },
		{ "https://host?query", "mine", NULL },
		{ "https://host#f", "mine", NULL },
		{ "https://ho st", "mine", NULL },
		{ "https://host\r\nX: y", "mine", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *url = NULL;
		int rv = api_cache_url(cases[i].host, cases[i].name, &url, NULL);

		assert_int_equal(rv, cases[i].url == NULL ? CAPQ_EINVAL : 0);
		if (cases[i].url != NULL)
			assert_string_equal(url, cases[i].url);
		free(url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(completing),
		cmocka_unit_test(pins),
		cmocka_unit_test(cache_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
