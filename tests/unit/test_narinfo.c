/* What a plain HTTP cache is given: names, URLs, and the text of a narinfo. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/narinfo.h"
#include "push/path_info.h"
#include "push/plain.h"
#include "push/question.h"

#define MID "/nix/store/crhd86h7cldlfz66irwwwa7c1ci0xyax-proof-mid"
#define LEAF "/nix/store/4cbmca7191r2j87ddsg8f5m9sv2sjjyp-proof-leaf"
#define NAR_HASH "0qmgspb2xgsbrs9qz2hbsyg9qa8w649x9i44mby1rdq2q429nszs"
#define FILE_HASH "0p731gbry9q9qlnnkqw40kg9ylvn3bzm774il9zp3fx8cr33j478"

static char mid[] = MID, leaf[] = LEAF, deriver[] = MID ".drv";
static char old[] = "cache.nixos.org-1:b2xk",
	    ours[] = "some.cache-1:b3Vycw==", ca[] = "text:sha256:x";

static void expect(const struct question_complete *question, const char *wanted)
{
	cleanup_str struct str text = { 0 };

	narinfo_add(question, &text);
	assert_string_equal(str_text(&text), wanted);
}

static void narinfos(void **state)
{
	char *references[] = { leaf, mid }, *signatures[] = { old, ours };
	struct path_info info = { .path = mid, .is_valid = true, .nar_size = 704 };
	unsigned char file_hash[SHA256_LEN];
	struct question_complete question = {
		.info = &info,
		.file_hash = file_hash,
		.file_size = 236,
		.file_name = "nar/x.nar.xz",
		.method = COMPRESS_XZ,
	};

	(void)state;
	assert_true(nix32_decode(NAR_HASH, info.nar_hash, SHA256_LEN));
	assert_true(nix32_decode(FILE_HASH, file_hash, SHA256_LEN));
	expect(&question, "StorePath: " MID "\n"
			  "URL: nar/x.nar.xz\n"
			  "Compression: xz\n"
			  "FileHash: sha256:" FILE_HASH "\n"
			  "FileSize: 236\n"
			  "NarHash: sha256:" NAR_HASH "\n"
			  "NarSize: 704\n"
			  "References: \n");
	info.references = references;
	info.n_references = 2;
	info.deriver = deriver;
	info.signatures = signatures;
	info.n_signatures = 2;
	info.ca = ca;
	question.method = COMPRESS_ZSTD;
	question.key_name = "some.cache-1";
	question.signature = "b3Vycw=="; /* The same as one that is there. */
	expect(&question, "StorePath: " MID "\n"
			  "URL: nar/x.nar.xz\n"
			  "Compression: zstd\n"
			  "FileHash: sha256:" FILE_HASH "\n"
			  "FileSize: 236\n"
			  "NarHash: sha256:" NAR_HASH "\n"
			  "NarSize: 704\n"
			  "References: 4cbmca7191r2j87ddsg8f5m9sv2sjjyp-proof-leaf "
			  "crhd86h7cldlfz66irwwwa7c1ci0xyax-proof-mid\n"
			  "Deriver: crhd86h7cldlfz66irwwwa7c1ci0xyax-proof-mid.drv\n"
			  "Sig: some.cache-1:b3Vycw==\n"
			  "Sig: cache.nixos.org-1:b2xk\n"
			  "CA: text:sha256:x\n");
}

static void file_names(void **state)
{
	struct path_info info = { .path = mid };
	unsigned char file_hash[SHA256_LEN];
	cleanup_free char *known = NULL, *unknown = NULL;

	(void)state;
	assert_true(nix32_decode(NAR_HASH, info.nar_hash, SHA256_LEN));
	assert_true(nix32_decode(FILE_HASH, file_hash, SHA256_LEN));
	known = plain_file_name(&info, file_hash, COMPRESS_ZSTD);
	assert_string_equal(known, "nar/" FILE_HASH ".nar.zst");
	unknown = plain_file_name(&info, NULL, COMPRESS_XZ);
	assert_string_equal(unknown, "nar/crhd86h7cldlfz66irwwwa7c1ci0xyax-" NAR_HASH ".nar.xz");
}

static void urls(void **state)
{
	static const struct {
		const char *text, *url; /* NULL: refused. */
	} cases[] = {
		{ "http://host", "http://host" },
		{ "https://host:8080/a/b//", "https://host:8080/a/b" },
		{ "http://[::1]:80/", "http://[::1]:80" },
		{ "http://", NULL },
		{ "https:///path", NULL },
		{ "ftp://host", NULL },
		{ "file:///tmp", NULL },
		{ "host", NULL },
		{ "", NULL },
		{ "http://user:password@host", NULL },
		{ "http://host?compression=xz", NULL },
		{ "http://host#there", NULL },
		{ "http://ho st", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *url = NULL;
		struct err err = { 0 };
		int rv = plain_url(cases[i].text, &url, &err);

		assert_int_equal(rv, cases[i].url == NULL ? CAPQ_EINVAL : 0);
		if (cases[i].url != NULL)
			assert_string_equal(url, cases[i].url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narinfos),
		cmocka_unit_test(file_names),
		cmocka_unit_test(urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
