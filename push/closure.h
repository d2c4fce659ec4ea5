/* Asking Nix about store paths, and all that they refer to, through `nix path-info`. */
#ifndef CAPQ_PUSH_CLOSURE_H
#define CAPQ_PUSH_CLOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "push/fail.h"
#include "push/path_info.h"

struct closure; /* One such question. Frees itself right after `on_done` returns. */

struct closure_spec {
	const char *launcher;     /* See io/child.h. Borrowed until the end. */
	const char *const *paths; /* Full store paths, one at least. Copied. */
	size_t n_paths;
	bool is_shallow; /* Only the paths themselves. */

	/* Exactly once, later, from the loop. `infos` is sorted and may be taken; paths that Nix
	 * does not have are in it as not valid. Unless `fail->class` is FAIL_NONE: then it is
	 * empty. */
	void (*on_done)(void *owner, struct path_infos *infos, const struct fail *fail);
	void *owner;
};

/* Returns a negative code, `*out` untouched, when Nix cannot be started: no callback runs. */
int closure_start(
	uv_loop_t *loop, const struct closure_spec *spec, struct closure **out, struct err *err);

/* End it: `on_done` runs with FAIL_STOPPED, unless the answer is there already. */
void closure_stop(struct closure *closure);

#endif
