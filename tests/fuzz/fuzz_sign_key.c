/* A signing key as somebody may have pasted it. What is taken can sign; what is not is not shown.
 */
#include "push/sign.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_bytes(data, size);
	char signature[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1];
	struct sign_key *key;
	struct err err = { 0 };

	if (sign_key_create(text, size, &key, &err) < 0) {
		cleanup_free char *secret = fuzz_text(data, size);

		CHECK(err.text[0] != '\0');
		CHECK(strlen(secret) < 40 || strstr(err.text, secret) == NULL);
		return 0;
	}
	sign_text(key, "text", signature);
	CHECK(strlen(signature) == BASE64_LEN(SIGN_SIGNATURE_LEN));
	CHECK(strlen(sign_key_public(key)) == BASE64_LEN(SIGN_PUBLIC_LEN));
	sign_key_destroy(key);
	return 0;
}
