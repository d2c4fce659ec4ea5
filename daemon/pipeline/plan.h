/* Plan: which derivations below some targets are missing, which of those are builds, which ride
 * along, what is fetched; and a root that keeps all of it.
 *
 * Steps: read the graph (worker thread); ask the store which outputs are valid (nix-store); ask the
 * cache about the targets (capq-push --check); walk down level by level, asking the substituters
 * (nix-store --dry-run) about what matters; make the root (nix-instantiate keep.nix). Nothing is
 * decided about builds that other plans made: that is enter.h's. */
#ifndef CAPQ_DAEMON_PIPELINE_PLAN_H
#define CAPQ_DAEMON_PIPELINE_PLAN_H

#include "daemon/pipeline/graph.h"
#include "daemon/pipeline/nix.h"

struct plan; /* Frees itself right after `on_done` returns. */

enum plan_target_state {
	PLAN_CACHED,  /* Our cache has all its outputs: nothing is to be done. */
	PLAN_VALID,   /* All outputs are in the store. */
	PLAN_FETCH,   /* A substituter has all outputs that are not in the store. */
	PLAN_MISSING, /* It has to be built. */
};

struct plan_spec {
	const char *const *targets; /* Derivations. */
	size_t n;
	const char *root;  /* File of the root to make; NULL: none (a dry run). */
	bool ask_cache;    /* Whether the cache's answer is waited for; see CAPQ_EBUSY. */
	bool ignore_cache; /* Take nothing for cached, as for builds that are planned anew. */

	/* The store has said which outputs are valid: time to call those invalid that are not to be
	 * used all the same. May be NULL. */
	void (*on_checked)(void *checker, struct graph *graph);
	void *checker;

	/* The end, once, later. `rv` 0: `graph` is walked, not settled, and now the owner's;
	 * `states` tells of each target and is borrowed. Otherwise `graph` is NULL and `err` says
	 * why: CAPQ_EBUSY      Nix, a cache or a substituter could not be asked, or it was stopped:
	 * plan again later; CAPQ_ENOTFOUND  something was collected meanwhile: evaluate and plan
	 * again; any other       these targets cannot be planned. */
	void (*on_done)(void *owner, int rv, struct graph *graph,
		const enum plan_target_state *states, const struct err *err);
	void *owner;
};

void plan_start(
	struct nix *nix, const char *capq_push, const struct plan_spec *spec, struct plan **out);
void plan_stop(struct plan *plan);

#endif
