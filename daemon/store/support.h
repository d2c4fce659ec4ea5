/* The table of what packages said that they can be built for. */
#ifndef CAPQ_DAEMON_STORE_SUPPORT_H
#define CAPQ_DAEMON_STORE_SUPPORT_H

#include "daemon/store/probe.h"

/* False when `attr` has said nothing there. An empty set: it can be built for none. */
bool store_support_get(struct store *store, const char *attr, const struct probe_key *key,
	struct capability_set *out);

void store_support_put(struct store *store, const char *attr, const struct probe_key *key,
	const struct capability_set *supported);

#endif
