/* Fetch: paths that a substituter has into the store, and a root that keeps them. */
#ifndef CAPQ_DAEMON_PIPELINE_FETCH_H
#define CAPQ_DAEMON_PIPELINE_FETCH_H

#include "daemon/pipeline/nix.h"

struct fetch; /* Frees itself right after `on_done` returns. */

struct fetch_spec {
	const char *const *paths; /* Only read during the call. */
	size_t n;
	const char *root; /* File name that the links begin with. */

	/* The end, once, later. `message` says why not; NULL when all are there. */
	void (*on_done)(void *owner, const char *message);
	void *owner;
};

int fetch_start(
	struct nix *nix, const struct fetch_spec *spec, struct fetch **out, struct err *err);
void fetch_stop(struct fetch *fetch);

#endif
