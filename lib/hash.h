/* SHA-256, and bytes as text: hexadecimal digits and base 64. */
#ifndef CAPQ_LIB_HASH_H
#define CAPQ_LIB_HASH_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_LEN 32
#define SHA256_HEX_LEN 64

void sha256(const void *bytes, size_t len, unsigned char out[SHA256_LEN]);

/* The same of what comes part by part. sha256_end() ends it, and frees. */
struct sha256_stream;
struct sha256_stream *sha256_begin(void);
void sha256_add(struct sha256_stream *stream, const void *bytes, size_t len);
void sha256_end(struct sha256_stream *stream, unsigned char out[SHA256_LEN]);

void hex_encode(const unsigned char *bytes, size_t len, char *out); /* 2 * len + 1 bytes. */
void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX_LEN + 1]);

/* Exactly 2 * len digits, of either case, at `text`. False: another character; `out` is undefined.
 */
bool hex_decode(const char *text, unsigned char *out, size_t len);

/* Base 64 with padding (RFC 4648, section 4): BASE64_LEN(len) characters and a NUL to `out`. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)
void base64_encode(const unsigned char *bytes, size_t len, char *out);

/* The reverse, and strict: padding where it belongs, no blanks, no bits set beyond the end. Writes
 * at most text_len / 4 * 3 bytes and their number to `*out_len`. False: it is no base 64, and `out`
 * is undefined. */
bool base64_decode(const char *text, size_t text_len, unsigned char *out, size_t *out_len);

#endif
