/* Signing store paths as Nix does: Ed25519 over a path's fingerprint. Pure. */
#ifndef CAPQ_PUSH_SIGN_H
#define CAPQ_PUSH_SIGN_H

#include <stddef.h>

#include "lib/err.h"
#include "lib/hash.h"
#include "lib/str.h"

struct path_info;
struct sign_key; /* A secret key. It lies in OpenSSL's secure heap when there is one, but while it
		  * signs. */

#define SIGN_SEED_LEN 32
#define SIGN_PUBLIC_LEN 32
#define SIGN_SIGNATURE_LEN 64

/* Read `len` bytes: base 64 of seed and public key (64 bytes), alone as Cachix keeps it or behind
 * "NAME:" as `nix key generate-secret` prints it; blanks around it do not matter. CAPQ_EINVAL: it
 * is no such key, or the public half does not belong to the seed. The text of the error tells
 * nothing of the key. The caller destroys `*out`. */
int sign_key_create(const char *text, size_t len, struct sign_key **out, struct err *err);
void sign_key_destroy(struct sign_key *key); /* Wipes it. */

/* The public half in base 64, and the name that stood in front, "" without one. Borrowed from
 * `key`.
 */
const char *sign_key_public(const struct sign_key *key);
const char *sign_key_name(const struct sign_key *key);

/* Append what Nix signs for `info`: "1;PATH;NARHASH;NARSIZE;REFERENCE,REFERENCE,...". */
void sign_fingerprint(const struct path_info *info, struct str *out);

/* The detached signature of `text` in base 64, with a NUL. */
void sign_text(
	const struct sign_key *key, const char *text, char out[BASE64_LEN(SIGN_SIGNATURE_LEN) + 1]);

#endif
