/* One push: plan it, upload what is missing, references first, and report on each path. */
#ifndef CAPQ_PUSH_PUSH_H
#define CAPQ_PUSH_PUSH_H

#include <stddef.h>

#include "lib/err.h"

struct api;
struct options;
struct push; /* One under way. Frees itself right after `on_done` returns. */
struct report;

/* Exit statuses of capq-push. */
enum {
	PUSH_OK = 0,          /* All that was given, and is wanted there, is in the cache. */
	PUSH_FAILED = 1,      /* Some path is not. */
	PUSH_USAGE = 2,       /* The command line or a secret is wrong. */
	PUSH_UNREACHABLE = 3, /* The cache did not answer. */
	PUSH_DENIED = 4,      /* It does not let us. */
};

struct push_spec {
	const struct api *api; /* Borrowed until the end, as everything here. */
	const struct options *options;
	struct report *report;

	const char *const *paths; /* Full store paths, each once, one at least. */
	size_t n_paths;

	/* Exactly once, later, from the loop; every path was reported on. */
	void (*on_done)(void *owner, int status);
	void *owner;
};

/* Returns a negative code, `*out` untouched, when Nix cannot be started: no callback runs. */
int push_start(const struct push_spec *spec, struct push **out, struct err *err);

/* Stop for the reason `why`, which is the message for all paths that are not done. Uploads under
 * way are given up at the cache; that is bounded to some seconds. */
void push_stop(struct push *push, const char *why);

#endif
