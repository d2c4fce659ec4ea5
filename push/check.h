/* `capq-push --check`: which of the given paths does the cache lack? Nothing else is asked, of Nix
 * least of all: the paths need not exist here. */
#ifndef CAPQ_PUSH_CHECK_H
#define CAPQ_PUSH_CHECK_H

#include <stddef.h>

struct api;
struct check; /* One under way. Frees itself right after `on_done` returns. */
struct report;

struct check_spec {
	const struct api *api; /* Borrowed until the end, as everything here. */
	struct report *report;
	const char *const *paths; /* Full store paths, one at least. */
	size_t n_paths;

	/* Exactly once, later, from the loop; `status` is one of push.h. */
	void (*on_done)(void *owner, int status);
	void *owner;
};

struct check *check_start(const struct check_spec *spec);

/* End it; unless the answer is there already, every path failed. */
void check_stop(struct check *check);

#endif
