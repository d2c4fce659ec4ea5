#include "lib/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void sha256(const void *bytes, size_t len, unsigned char out[SHA256_LEN])
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* Without SHA-256 nothing here can be trusted. */
}

struct sha256_stream *sha256_begin(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		abort();
	return (struct sha256_stream *)context; /* Its name here: nobody else needs OpenSSL's. */
}

void sha256_add(struct sha256_stream *stream, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate((EVP_MD_CTX *)stream, bytes, len) != 1)
		abort();
}

void sha256_end(struct sha256_stream *stream, unsigned char out[SHA256_LEN])
{
	if (EVP_DigestFinal_ex((EVP_MD_CTX *)stream, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free((EVP_MD_CTX *)stream);
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

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(const char *text, unsigned char *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = hex_value(text[2 * i]);
		int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const unsigned char *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3; /* Bytes in this group of four digits. */
		unsigned group = (unsigned)bytes[i] << 16;

		if (n > 1)
			group |= (unsigned)bytes[i + 1] << 8;
		if (n > 2)
			group |= bytes[i + 2];
		for (size_t k = 0; k < 4; k++)
			*out++ = k <= n ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
}

bool base64_decode(const char *text, size_t text_len, unsigned char *out, size_t *out_len)
{
	size_t digits = text_len, len;
	unsigned bits = 0;

	while (digits > 0 && text_len - digits < 2 && text[digits - 1] == '=')
		digits--;
	len = digits * 3 / 4;
	if (text_len % 4 != 0 || BASE64_LEN(len) != text_len)
		return false;
	for (size_t i = 0; i < digits; i++) {
		const char *at = text[i] == '\0' ? NULL : strchr(base64_digits, text[i]);

		if (at == NULL)
			return false;
		bits = bits << 6 | (unsigned)(at - base64_digits);
		if (i % 4 != 0) /* Digits 1, 2 and 3 of a group each complete a byte. */
			*out++ = (unsigned char)(bits >> (6 - 2 * (i % 4)));
	}
	*out_len = len;
	return (bits & ((1u << (digits * 6 - len * 8)) - 1)) == 0;
}
