#include "lib/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

void sha256(const void *bytes, size_t len, unsigned char out[SHA256_LEN])
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* Without SHA-256 nothing here can be trusted. */
}

void hex_encode(const unsigned char *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX_LEN + 1])
{
	unsigned char digest[SHA256_LEN];

	sha256(bytes, len, digest);
	hex_encode(digest, sizeof digest, out);
}
