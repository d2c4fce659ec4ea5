/* SHA-256 and hexadecimal digits, by OpenSSL. */
#ifndef CAPQ_LIB_HASH_H
#define CAPQ_LIB_HASH_H

#include <stddef.h>

#define SHA256_LEN 32
#define SHA256_HEX_LEN 64

void sha256(const void *bytes, size_t len, unsigned char out[SHA256_LEN]);
void hex_encode(const unsigned char *bytes, size_t len, char *out); /* 2 * len + 1 bytes. */
void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX_LEN + 1]);

#endif
