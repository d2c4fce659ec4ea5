/* What Nix's error messages mean. Pure.
 *
 * Through the Nix daemon every exit status is 1 and internal-json's `stop` says nothing of success,
 * so classes come from texts. They are stable from 2.8 to 2.35 and in Lix in the parts that are
 * looked for here. A text that is not known is FAILURE_NONE: whether it matters is for the caller,
 * who knows which outputs are there, to say. */
#ifndef CAPQ_LIB_NIX_ERROR_H
#define CAPQ_LIB_NIX_ERROR_H

#include <stdbool.h>

#include "lib/failure.h"
#include "lib/store_path.h"

struct nix_error {
	enum failure class;       /* FAILURE_NONE: the message is no failure of a build. */
	char drv[STORE_PATH_MAX]; /* The derivation that it names first; "" when it names none. */
};

/* Read the text of a level-0 message (escapes already gone). `is_fixed` is asked for the derivation
 * that the text names: a failing builder of a download is FAILURE_NETWORK, of anything else
 * FAILURE_BUILD. It may be NULL, which means that none is. */
void nix_error_read(const char *text, bool (*is_fixed)(void *owner, const char *drv), void *owner,
	struct nix_error *out);

/* True when the text says that Nix's daemon cannot be reached: whatever was asked for is not to
 * blame, and waits. */
bool nix_error_is_outage(const char *text);

#endif
