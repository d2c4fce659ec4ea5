/* Public keys whose signatures on store paths we trust. Pure.
 *
 * Nix keeps with each path the signatures under which it came from a cache. A key that was given by
 * its name alone is known by that name: Nix has verified the signature when it fetched the path,
 * and Cachix goes by the name as well. With its public half the signature is verified here. */
#ifndef CAPQ_PUSH_TRUST_H
#define CAPQ_PUSH_TRUST_H

#include <stddef.h>

#include "lib/err.h"

struct path_info;
struct trust_key; /* One key. */

struct trust {
	struct trust_key *keys;
	size_t n, capacity;
};

/* Add "NAME" or "NAME:BASE64", the form of Nix's `trusted-public-keys`, to `trust`
 * (zero-initialised at first). CAPQ_EINVAL: it is neither. */
int trust_add(struct trust *trust, const char *text, struct err *err);

/* The name of a trusted key that signed `info`; NULL: none did. Borrowed from `trust`. */
const char *trust_signer(const struct trust *trust, const struct path_info *info);

void trust_free(struct trust *trust);

#endif
