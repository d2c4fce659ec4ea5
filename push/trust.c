#include "push/trust.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "push/path_info.h"
#include "push/sign.h"

struct trust_key {
	char *name;
	EVP_PKEY *public; /* NULL: its name is all that is known. */
};

int trust_add(struct trust *trust, const char *text, struct err *err)
{
	unsigned char bytes[BASE64_LEN(SIGN_PUBLIC_LEN)];
	const char *colon = strchr(text, ':');
	size_t len = colon == NULL ? 0 : strlen(colon + 1);
	struct trust_key key = { 0 };

	if (text[0] == '\0' || text[0] == ':')
		return err_set(err, CAPQ_EINVAL, "'%s' is no name of a key", text);
	if (colon != NULL) {
		if (len != BASE64_LEN(SIGN_PUBLIC_LEN) ||
			!base64_decode(colon + 1, len, bytes, &len) || len != SIGN_PUBLIC_LEN)
			return err_set(err, CAPQ_EINVAL,
				"'%s' is no public key: behind its name there must be base 64 of "
				"%d bytes",
				text, SIGN_PUBLIC_LEN);
		key.public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, len);
		if (key.public == NULL)
			abort(); /* Any 32 bytes are taken; memory is exhausted. */
	}
	key.name = colon == NULL ? xstrdup(text) : xstrndup(text, (size_t)(colon - text));
	array_reserve(&trust->keys, &trust->capacity, trust->n + 1, sizeof *trust->keys);
	trust->keys[trust->n++] = key;
	return 0;
}

/* Is `signature`, in base 64, the key's under the path's fingerprint? */
static bool verifies(EVP_PKEY *public, const char *signature, const struct path_info *info)
{
	unsigned char bytes[BASE64_LEN(SIGN_SIGNATURE_LEN)];
	cleanup_str struct str fingerprint = { 0 };
	size_t len = strlen(signature);
	EVP_MD_CTX *context;
	bool is_good;

	if (len != BASE64_LEN(SIGN_SIGNATURE_LEN) || !base64_decode(signature, len, bytes, &len) ||
		len != SIGN_SIGNATURE_LEN)
		return false;
	sign_fingerprint(info, &fingerprint);
	context = EVP_MD_CTX_new();
	if (context == NULL || EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) != 1)
		abort(); /* Memory is exhausted. */
	is_good = EVP_DigestVerify(context, bytes, len, (const unsigned char *)fingerprint.text,
			  fingerprint.len) == 1;
	EVP_MD_CTX_free(context);
	return is_good;
}

static bool has_signed(
	const struct trust_key *key, const char *named_signature, const struct path_info *info)
{
	size_t len = strlen(key->name);

	if (strncmp(named_signature, key->name, len) != 0 || named_signature[len] != ':')
		return false;
	return key->public == NULL || verifies(key->public, named_signature + len + 1, info);
}

const char *trust_signer(const struct trust *trust, const struct path_info *info)
{
	for (size_t i = 0; i < info->n_signatures; i++)
		for (size_t k = 0; k < trust->n; k++)
			if (has_signed(&trust->keys[k], info->signatures[i], info))
				return trust->keys[k].name;
	return NULL;
}

void trust_free(struct trust *trust)
{
	for (size_t i = 0; i < trust->n; i++) {
		free(trust->keys[i].name);
		EVP_PKEY_free(trust->keys[i].public);
	}
	free(trust->keys);
	*trust = (struct trust){ 0 };
}
