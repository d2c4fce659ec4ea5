/* What a Cachix service may answer to each call, and what is shown of it when it is an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/str.h"
#include "push/answer.h"
#include "push/excerpt.h"
#include "push/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_error(const char *body, size_t len)
{
	struct retry_try last = { .status = 502, .retry_after = "", .body = body, .body_len = len };
	struct retry retry = { 0 };
	struct str shown = { 0 };
	int64_t wait = retry_next(&retry, RETRY_CACHE, &last, RETRY_FOR_MS, 0, 0.5);

	excerpt_add(&shown, body, len);
	if (wait < 0 || wait > RETRY_AFTER_MAX_MS || shown.len > EXCERPT_MAX + 3)
		__builtin_trap();
	str_free(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct answer_cache cache;
	struct answer_missing missing;
	struct answer_create create;
	struct err err;
	char *url;

	if (answer_cache_read(body, size, &cache, &err) == 0)
		answer_cache_free(&cache);
	if (answer_missing_read(body, size, &missing, &err) == 0) {
		for (size_t i = 0; i < missing.n; i++)
			if (!answer_missing_has(&missing, missing.hashes[i]))
				__builtin_trap();
		answer_missing_free(&missing);
	}
	if (answer_create_read(body, size, &create, &err) == 0)
		answer_create_free(&create);
	if (answer_presign_read(body, size, &url, &err) == 0)
		free(url);
	read_as_error(body, size);
	return 0;
}
