/* What a Cachix service may answer to each call, and what is shown of it when it is an error. */
#include "lib/str.h"
#include "push/answer.h"
#include "push/excerpt.h"
#include "push/retry.h"
#include "tests/fuzz/fuzz.h"

static void check_cache(const char *body, size_t len)
{
	struct answer_cache cache;
	struct err err = { 0 };

	if (answer_cache_read(body, len, &cache, &err) < 0) {
		CHECK(err.text[0] != '\0');
		return;
	}
	for (size_t i = 0; i < cache.n_public_keys; i++)
		CHECK(cache.public_keys[i] != NULL);
	answer_cache_free(&cache);
}

static void check_missing(const char *body, size_t len)
{
	struct answer_missing missing, twice = { 0 };

	if (answer_missing_read(body, len, &missing, NULL) < 0)
		return;
	for (size_t i = 0; i < missing.n; i++) {
		CHECK(strlen(missing.hashes[i]) == STORE_HASH_LEN);
		CHECK(answer_missing_has(&missing, missing.hashes[i]));
		CHECK(i == 0 || strcmp(missing.hashes[i - 1], missing.hashes[i]) < 0);
	}
	answer_missing_add(&twice, &missing);
	answer_missing_add(&twice, &missing);
	CHECK(twice.n == missing.n);
	answer_missing_free(&missing);
	answer_missing_free(&twice);
}

static void check_upload(const char *body, size_t len)
{
	struct answer_create create;
	cleanup_free char *url = NULL;

	if (answer_create_read(body, len, &create, NULL) == 0) {
		CHECK(create.nar_id[0] != '\0' && create.upload_id[0] != '\0');
		answer_create_free(&create);
	}
	if (answer_presign_read(body, len, &url, NULL) == 0)
		CHECK(str_starts(url, "http") && strpbrk(url, " \r\n") == NULL);
}

static void check_error(const char *body, size_t len)
{
	struct retry_try last = { .status = 502, .retry_after = "", .body = body, .body_len = len };
	struct retry retry = { 0 };
	cleanup_str struct str shown = { 0 };
	int64_t wait = retry_next(&retry, RETRY_CACHE, &last, RETRY_FOR_MS, 0, 0.5);

	CHECK(wait >= 0 && wait <= RETRY_AFTER_MAX_MS);
	excerpt_add(&shown, body, len);
	CHECK(shown.len <= EXCERPT_MAX + strlen("..."));
	for (size_t i = 0; i < shown.len; i++)
		CHECK((unsigned char)shown.text[i] >= ' ' && shown.text[i] != 0x7f);
}

/* The Retry-After header, whatever it holds; at a time that is not the beginning of all. */
static void check_retry_after(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	struct retry_try last = { .status = 429, .retry_after = text, .body = "" };

	for (int call = 0; call < RETRY_CALLS; call++) {
		struct retry retry = { 0 };
		int64_t wait = retry_next(&retry, (enum retry_call)call, &last, RETRY_FOR_MS,
			INT64_C(1795373856391), 0.5);

		CHECK(wait == -1 || (wait > 0 && wait <= RETRY_AFTER_MAX_MS));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *body = fuzz_bytes(data, size);

	check_cache(body, size);
	check_missing(body, size);
	check_upload(body, size);
	check_error(body, size);
	check_retry_after(data, size);
	return 0;
}
