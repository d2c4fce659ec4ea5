/* Links that keep Nix's garbage collector away (docs/architecture.md, "Decided" 3). */
#ifndef CAPQ_DAEMON_STORE_ROOT_H
#define CAPQ_DAEMON_STORE_ROOT_H

#include "daemon/store/store.h"

/* Enter a root that is about to be made. Returns its id. */
int64_t store_root_new(struct store *store, int64_t now_ms);
bool store_root_exists(struct store *store, int64_t id);
void store_root_delete(struct store *store, int64_t id);

/* It stays for good. */
void store_root_keep(struct store *store, int64_t id);

/* Call `each` for the roots that are not kept and that nothing refers to any more: no live job, and
 * no build that is not final, whose outputs are still to be pushed, or whose outputs a live build
 * still needs. */
void store_roots_unused(
	struct store *store, void (*each)(void *owner, int64_t root_id), void *owner);

#endif
