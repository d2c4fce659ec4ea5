/* The table of probes: what revisions said about capabilities. */
#ifndef CAPQ_DAEMON_STORE_PROBE_H
#define CAPQ_DAEMON_STORE_PROBE_H

#include "daemon/store/store.h"
#include "lib/probe.h"

/* What is asked: a way to import a revision. Borrowed. */
struct probe_key {
	const char *rev;            /* Full hash, or "sha256:..." of a path's NAR. */
	const char *flavour_digest; /* settings_flavour_digest() */
	const char *system;
};

/* False when it was not asked yet. */
bool store_probe_get(struct store *store, const struct probe_key *key, struct probe *out);

/* Enter what it said, in place of what it may have said before. */
void store_probe_put(struct store *store, const struct probe_key *key, const struct probe *probe,
	int64_t now_ms);

#endif
