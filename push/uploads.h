/* All uploads of a plan: references first, some at a time, each path reported on. */
#ifndef CAPQ_PUSH_UPLOADS_H
#define CAPQ_PUSH_UPLOADS_H

#include "push/fail.h"

struct api;
struct options;
struct plan;
struct report;
struct uploads; /* Frees itself right after `on_done` returns. */

struct uploads_spec {
	const struct api *api; /* Borrowed until the end, as everything here. */
	const struct options *options;
	struct report *report;
	const struct plan *plan;
	const char *journal_dir; /* Where open uploads are noted; NULL: nowhere. */

	/* Exactly once, later, from the loop; every given path was reported on. `fail` says why it
	 * ended early, if it did; that a path failed is no reason. Borrowed for the callback. */
	void (*on_done)(void *owner, const struct fail *fail);
	void *owner;
};

struct uploads *uploads_start(const struct uploads_spec *spec);

/* End early, for the reason `why`: uploads under way are given up at the cache, which is bounded to
 * some seconds. */
void uploads_stop(struct uploads *uploads, const char *why);

#endif
