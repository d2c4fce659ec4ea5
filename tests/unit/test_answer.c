/* What Cachix answers, well-formed and not; and what is shown of its errors. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "push/answer.h"
#include "push/excerpt.h"

#define H0 "00000000000000000000000000000000"
#define H1 "11111111111111111111111111111111"
#define H2 "22222222222222222222222222222222"

static struct err err; /* Its text is the readers' business. */

static void caches(void **state)
{
	static const char text[] =
		"{\"name\":\"mycache\",\"uri\":\"https://mycache.cachix.org\",\"isPublic\":true,"
		"\"publicSigningKeys\":[\"mycache.cachix.org-1:KEY=\",\"other:K\"],"
		"\"githubUsername\":\"someone\",\"permission\":\"Write\","
		"\"preferredCompressionMethod\":\"XZ\"}";
	static const struct {
		const char *json;
		bool may_write;
		enum compress_method preferred;
	} cases[] = {
		{ "{\"permission\":\"Admin\",\"preferredCompressionMethod\":\"ZSTD\"}", true,
			COMPRESS_ZSTD },
		{ "{\"permission\":\"Read\",\"preferredCompressionMethod\":\"BROTLI\"}", false,
			COMPRESS_ZSTD },
		{ "{\"permission\":\"Write\",\"preferredCompressionMethod\":null,"
		  "\"publicSigningKeys\":null}",
			true, COMPRESS_ZSTD },
	};
	struct answer_cache cache;

	(void)state;
	assert_int_equal(answer_cache_read(text, strlen(text), &cache, &err), 0);
	assert_true(cache.may_write);
	assert_int_equal(cache.preferred, COMPRESS_XZ);
	assert_int_equal(cache.n_public_keys, 2);
	assert_string_equal(cache.public_keys[0], "mycache.cachix.org-1:KEY=");
	answer_cache_free(&cache);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			answer_cache_read(cases[i].json, strlen(cases[i].json), &cache, &err), 0);
		assert_int_equal(cache.may_write, cases[i].may_write);
		assert_int_equal(cache.preferred, cases[i].preferred);
		answer_cache_free(&cache);
	}
	assert_int_equal(answer_cache_read("{}", 2, &cache, &err), CAPQ_EINVAL);
	assert_int_equal(answer_cache_read("<html>", 6, &cache, &err), CAPQ_EINVAL);
}

/* Any order, repetitions, and what is no hash. */
static void missing(void **state)
{
	static const char text[] = "[\"" H2 "\",\"" H0 "\",\"" H2 "\",\"short\",null,7]";
	struct answer_missing answer, more = { 0 };

	(void)state;
	assert_int_equal(answer_missing_read(text, strlen(text), &answer, &err), 0);
	assert_int_equal(answer.n, 2);
	assert_true(answer_missing_has(&answer, H0));
	assert_false(answer_missing_has(&answer, H1));
	assert_true(answer_missing_has(&answer, H2 "-a-base-name"));
	answer_missing_add(&more, &answer);
	answer_missing_add(&more, &answer);
	assert_int_equal(more.n, 2);
	answer_missing_free(&answer);
	assert_false(answer_missing_has(&answer, H0));
	answer_missing_free(&more);
	assert_int_equal(answer_missing_read("[]", 2, &answer, &err), 0);
	assert_int_equal(answer.n, 0);
	answer_missing_free(&answer);
	assert_int_equal(answer_missing_read("{}", 2, &answer, &err), CAPQ_EINVAL);
	assert_int_equal(answer_missing_read("", 0, &answer, &err), CAPQ_EINVAL);
}

static void uploads(void **state)
{
	static const char good[] = "{\"narId\":\"9b0c-uuid\",\"uploadId\":\"+a/=\"}";
	static const char *const bad[] = {
		"{}",
		"{\"narId\":\"x\"}",
		"{\"narId\":\"\",\"uploadId\":\"u\"}",
		"{\"narId\":1,\"uploadId\":\"u\"}",
		"[\"narId\"",
	};
	struct answer_create answer;

	(void)state;
	assert_int_equal(answer_create_read(good, strlen(good), &answer, &err), 0);
	assert_string_equal(answer.nar_id, "9b0c-uuid");
	assert_string_equal(answer.upload_id, "+a/=");
	answer_create_free(&answer);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			answer_create_read(bad[i], strlen(bad[i]), &answer, &err), CAPQ_EINVAL);
}

static void places(void **state)
{
	static const char good[] = "{\"uploadUrl\":\"https://store/x?X-Amz-Signature=1\"}";
	static const char *const bad[] = {
		"{\"uploadUrl\":\"ftp://store/x\"}",
		"{\"uploadUrl\":\"file:///etc/passwd\"}",
		"{\"uploadUrl\":\"https://store/x y\"}",
		"{\"uploadUrl\":\"https://store/x\\r\\nHost: other\"}",
		"{\"uploadUrl\":null}",
		"\"https://store/x\"",
	};
	char *url;

	(void)state;
	assert_int_equal(answer_presign_read(good, strlen(good), &url, &err), 0);
	assert_string_equal(url, "https://store/x?X-Amz-Signature=1");
	free(url);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			answer_presign_read(bad[i], strlen(bad[i]), &url, &err), CAPQ_EINVAL);
}

static void excerpts(void **state)
{
	static const struct {
		const char *body;
		const char *shown;
	} cases[] = {
		{ "", "" },
		{ "Something went wrong", "Something went wrong" },
		{ "  two\n lines\r\n", "two lines" },
		{ "<html><head><title>502 Bad Gateway</title></head>\n<body><h1>nginx</h1></body>",
			"502 Bad Gateway nginx" },
		{ "{\"type\":\"x\",\"title\":\"Error 502\",\"detail\":\"down\",\"retry_after\":60}",
			"Error 502: down" },
		{ "{\"title\":\"a\\u001b[31m\\nred\"}", "a red" },
		{ "{\"other\":1}", "{\"other\":1}" },
		{ "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has "
		  "expired</Message><StringToSign>SECRET</StringToSign></Error>",
			"AccessDenied: Request has expired" },
		{ "<Error><Code>InternalError</Code></Error>", "InternalError" },
		/* A presigned URL gets no further than its query. */
		{ "cannot PUT https://r2/b/k?X-Amz-Signature=abc now",
			"cannot PUT https://r2/b/k?... now" },
		{ "why?", "why?" },
		{ "a\x1b[31mred\x1b[0m\x01 bell", "ared bell" },
		{ "unfinished <tag", "unfinished <tag" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_str struct str got = { 0 };

		excerpt_add(&got, cases[i].body, strlen(cases[i].body));
		assert_string_equal(str_text(&got), cases[i].shown);
	}
}

/* A long one is cut, and not within a character. */
static void long_excerpts(void **state)
{
	cleanup_str struct str body = { 0 }, got = { 0 };

	(void)state;
	str_add_char(&body, 'x');
	for (int i = 0; i < 1000; i++)
		str_add(&body, "\xc3\xa4");
	excerpt_add(&got, body.text, body.len);
	assert_int_equal(got.len, EXCERPT_MAX - 1 + strlen("..."));
	assert_true(str_is_utf8(got.text, got.len));
	assert_true(str_ends(got.text, "..."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caches),
		cmocka_unit_test(missing),
		cmocka_unit_test(uploads),
		cmocka_unit_test(places),
		cmocka_unit_test(excerpts),
		cmocka_unit_test(long_excerpts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
