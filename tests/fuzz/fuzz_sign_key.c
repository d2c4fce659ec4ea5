/* A signing key as somebody may have pasted it. What is taken can sign. */
#include <stddef.h>
#include <stdint.h>

#include "push/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char signature[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1];
	struct sign_key *key;
	struct err err;

	if (sign_key_create((const char *)data, size, &key, &err) == 0) {
		sign_text(key, "text", signature);
		sign_key_destroy(key);
	}
	return 0;
}
