/* Evaluate: attributes of one context to derivations, many in one Nix process.
 *
 * The happy path: one process reports every attribute and ends. Then
 * - an attribute that Nix can catch failing (throw, assert) is evaluated again alone, not catching,
 *   for its message;
 * - one that ends the process (abort, a type error, a missing file, endless recursion, ...) fails
 *   with the process's last words; the rest goes on in a new process;
 * - one that takes too long or too much memory gets the process killed (SIGKILL: evaluation ignores
 *   SIGTERM) and fails, the rest goes on. Memory is charged to an attribute only when it was the
 *   first of its process; otherwise it is tried again as the first.
 * - one that nobody wants any more gets the process killed when it is being evaluated, and is left
 *   out of the next.
 * - the revision itself, which may be asked first what it can build for, ends the process instead
 * of answering: then everything else is done without that.
 * - Nix has no room or no daemon: nobody's fault, to be tried again later.
 * So no attribute fails for another's fault, and each failure costs one process at most. */
#ifndef CAPQ_DAEMON_PIPELINE_EVALUATE_H
#define CAPQ_DAEMON_PIPELINE_EVALUATE_H

#include "daemon/pipeline/nix.h"
#include "lib/failure.h"
#include "lib/probe.h"

struct evaluation; /* Frees itself right after `on_done` returns. */

struct evaluation_result {
	const char *drv_path; /* NULL: it failed. */
	enum failure failure; /* FAILURE_EVALUATION, _TIMEOUT, _OUT_OF_MEMORY, _CANCELLED;
				 _INTERRUPTED: try again. */
	const struct capability_set
		*supported;  /* What it can be built for; NULL: it says nothing. */
	const char *message; /* Nix's own, or ours; may have several lines. */
};

struct evaluation_spec {
	const char *tree; /* Path of nixpkgs. */
	const char *system;
	const char *caps;   /* Canonical set. */
	const char *config; /* The flavour's, a JSON object. */
	const struct texts *overlays;
	const char *const *attrs; /* Canonical paths. */
	size_t n;

	/* Not NULL: the revision is asked what it can build for, before all attributes, of which
	 * there may be none. Runs once unless everything is stopped or dropped before; `probe` is
	 * NULL when there is no answer, and `message` says why. */
	void (*on_probe)(void *owner, const struct probe *probe, const char *message);
	/* Attribute `i` is known; once for each, in any order, later than evaluation_start(). */
	void (*on_result)(void *owner, size_t i, const struct evaluation_result *result);
	/* The end; attributes without a result were stopped. */
	void (*on_done)(void *owner);
	void *owner;
};

/* Start. The spec is copied. `on_done` runs exactly once, later. */
void evaluation_start(struct nix *nix, const struct evaluation_spec *spec, struct evaluation **out);

/* Attribute `i` is of no use any more: its result, if it has none yet, is FAILURE_CANCELLED, now.
 * Nothing happens when it is known already. */
void evaluation_drop(struct evaluation *evaluation, size_t i);

/* Stop; `on_done` follows once the process is gone. */
void evaluation_stop(struct evaluation *evaluation);

#endif
