#include "push/sign.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/path_info.h"

#define KEY_LEN (SIGN_SEED_LEN + SIGN_PUBLIC_LEN)

struct sign_key {
	unsigned char *seed; /* In the secure heap. */
	char *name;
	char public[BASE64_LEN(SIGN_PUBLIC_LEN) + 1];
};

/* Point `*text` and `*len` at the base 64 alone. Returns the name in front of it, which the caller
 * frees. */
static char *strip(const char **text, size_t *len)
{
	const char *colon;
	char *name;

	while (*len > 0 && isspace((unsigned char)(*text)[*len - 1]))
		--*len;
	while (*len > 0 && isspace((unsigned char)**text)) {
		++*text;
		--*len;
	}
	colon = memchr(*text, ':', *len);
	if (colon == NULL)
		return xstrdup("");
	name = xstrndup(*text, (size_t)(colon - *text));
	*len -= (size_t)(colon + 1 - *text);
	*text = colon + 1;
	return name;
}

/* The key as OpenSSL wants it. It keeps the seed in ordinary memory, which it wipes when the key is
 * freed; so that should be soon. */
static EVP_PKEY *make_pkey(const unsigned char *seed)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_LEN);

	if (pkey == NULL)
		abort(); /* Any 32 bytes are a seed: only memory can be lacking. */
	return pkey;
}

static bool belongs(const unsigned char *public, const unsigned char *seed)
{
	EVP_PKEY *pkey = make_pkey(seed);
	unsigned char derived[SIGN_PUBLIC_LEN];
	size_t len = sizeof derived;

	if (EVP_PKEY_get_raw_public_key(pkey, derived, &len) != 1)
		abort(); /* As above. */
	EVP_PKEY_free(pkey);
	return memcmp(derived, public, sizeof derived) == 0;
}

static void keep_seed(struct sign_key *key, const unsigned char *seed)
{
	key->seed = OPENSSL_secure_malloc(SIGN_SEED_LEN);
	if (key->seed == NULL)
		abort(); /* Memory is exhausted. */
	memcpy(key->seed, seed, SIGN_SEED_LEN);
}

static int decode(const char *text, size_t len, struct sign_key *key, struct err *err)
{
	/* Room for what the longest text that has the right length can decode to. */
	unsigned char bytes[BASE64_LEN(KEY_LEN) / 4 * 3];
	size_t n = 0;
	bool fits =
		len == BASE64_LEN(KEY_LEN) && base64_decode(text, len, bytes, &n) && n == KEY_LEN;

	if (fits && belongs(bytes + SIGN_SEED_LEN, bytes)) {
		keep_seed(key, bytes);
		base64_encode(bytes + SIGN_SEED_LEN, SIGN_PUBLIC_LEN, key->public);
	}
	OPENSSL_cleanse(bytes, sizeof bytes);
	if (!fits)
		return err_set(err, CAPQ_EINVAL,
			"the signing key is not base 64 of %d bytes (seed and public key)",
			KEY_LEN);
	if (key->seed == NULL)
		return err_set(err, CAPQ_EINVAL,
			"the signing key is damaged: its public half does not belong to its seed");
	return 0;
}

int sign_key_create(const char *text, size_t len, struct sign_key **out, struct err *err)
{
	struct sign_key *key = xcalloc(1, sizeof *key);
	int rv;

	key->name = strip(&text, &len);
	rv = decode(text, len, key, err);
	if (rv < 0) {
		sign_key_destroy(key);
		return rv;
	}
	*out = key;
	return 0;
}

void sign_key_destroy(struct sign_key *key)
{
	if (key == NULL)
		return;
	OPENSSL_secure_clear_free(key->seed, SIGN_SEED_LEN);
	free(key->name);
	free(key);
}

const char *sign_key_public(const struct sign_key *key)
{
	return key->public;
}

const char *sign_key_name(const struct sign_key *key)
{
	return key->name;
}

void sign_fingerprint(const struct path_info *info, struct str *out)
{
	char hash[NIX32_LEN(SHA256_LEN) + 1];

	nix32_encode(info->nar_hash, SHA256_LEN, hash);
	str_addf(out, "1;%s;sha256:%s;%" PRIu64 ";", info->path, hash, info->nar_size);
	for (size_t i = 0; i < info->n_references; i++) {
		if (i > 0)
			str_add_char(out, ',');
		str_add(out, info->references[i]);
	}
}

void sign_text(
	const struct sign_key *key, const char *text, char out[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1])
{
	unsigned char signature[SIGN_SIGNATURE_LEN];
	size_t len = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *pkey = make_pkey(key->seed);

	if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) != 1 ||
		EVP_DigestSign(
			context, signature, &len, (const unsigned char *)text, strlen(text)) != 1)
		abort(); /* Ed25519 cannot fail but for want of memory. */
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	base64_encode(signature, sizeof signature, out);
}
