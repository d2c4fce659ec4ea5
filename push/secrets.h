/* The cache's token and the signing key, and the care they need.
 *
 * They come from the files cachix-auth-token and cachix-signing-key in $CREDENTIALS_DIRECTORY, each
 * else from CACHIX_AUTH_TOKEN and CACHIX_SIGNING_KEY; never from the command line. Here they lie in
 * OpenSSL's secure heap: locked into memory, left out of core dumps, wiped when freed. What libcurl
 * copies of them while it sends a request is wiped when it is done with it (io/http.h). Beyond our
 * reach are registers that are saved on the stack, and what the kernel sends. */
#ifndef CAPQ_PUSH_SECRETS_H
#define CAPQ_PUSH_SECRETS_H

#include "lib/err.h"
#include "push/sign.h"

struct secrets {
	char *authorization;  /* "Authorization: Bearer TOKEN"; NULL without a token. */
	struct sign_key *key; /* NULL: the server signs. */
};

/* Call first of all: from now on nobody but root may look into this process, and it leaves no core
 * dump. */
void secrets_protect(void);

/* Read both, and wipe them from the environment, where /proc would show them. CAPQ_EINVAL: one is
 * malformed. A failing read ends in other codes. The caller calls secrets_finish(). */
int secrets_init(struct secrets *secrets, struct err *err);

/* For a plain HTTP cache: only a key of Nix, "NAME:BASE64", from `key_file`, or, when that is NULL,
 * the file nix-signing-key in $CREDENTIALS_DIRECTORY if it is there. As secrets_init() else. */
int secrets_init_plain(struct secrets *secrets, const char *key_file, struct err *err);

void secrets_finish(struct secrets *secrets);

/* Blot the token out of `text`, should a server have quoted it. */
void secrets_blot(const struct secrets *secrets, char *text);

#endif
