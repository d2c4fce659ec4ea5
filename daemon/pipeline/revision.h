/* Revisions: what a name means, whether it can be trusted, and the tree of files that Nix is
 * handed.
 *
 * For a git URL capqd keeps a bare clone of the configured branches (and tags); a name is looked up
 * there alone, after a fetch when the clone is not fresh. A revision is trusted when it is an
 * ancestor of a configured branch: a code host may serve a stranger's commit under the repository's
 * name.
 *
 * For a path, each submit copies the tree and the revision is the hash of its NAR.
 *
 * A tree lies in trees/REVISION/source of the state directory: Nix expressions that copy themselves
 * into the store (`./.`) depend on the last part of their path. It is made once for all jobs of its
 * revision and goes when none is left. */
#ifndef CAPQ_DAEMON_PIPELINE_REVISION_H
#define CAPQ_DAEMON_PIPELINE_REVISION_H

#include "daemon/pipeline/nix.h"

struct revisions;

struct revision {
	const char *hash; /* Full hash, or "sha256:..." of a path's NAR. */
	const char *from; /* "branch master", "tag 24.05", "hash", "path". */
	bool trusted;
};

/* `state_dir` is borrowed. Nothing runs yet. */
struct revisions *revisions_create(struct nix *nix, const char *state_dir);
void revisions_destroy(struct revisions *revisions); /* All its children have ended. The memory goes
						      * with the loop's next turns. */

/* Begin to work: remove what an earlier daemon left of trees, except those that `is_live` says are
 * needed; clone or fetch; and fetch again every nixpkgs.fetch_every. */
void revisions_start(
	struct revisions *revisions, bool (*is_live)(void *owner, const char *hash), void *owner);
void revisions_stop(struct revisions *revisions);           /* Nothing new is started. */
bool revisions_are_idle(const struct revisions *revisions); /* No lookup is under way. */

/* Look `name` up ("" is the first configured branch; with a path it must be ""). `on_done` runs
 * once, later: with `rv` 0 and the revision, or with CAPQ_EINVAL (no name), CAPQ_ENOTFOUND,
 * CAPQ_EDENIED (not trusted, and untrusted ones are not allowed) or CAPQ_EBUSY (the first clone is
 * not there yet). */
void revision_resolve(struct revisions *revisions, const char *name,
	void (*on_done)(
		void *owner, int rv, const struct revision *revision, const struct err *err),
	void *owner);

/* The same at once when it is known: a name that was looked up since the last fetch, which is not
 * older than nixpkgs.max_age. Borrowed; false: ask revision_resolve(). */
bool revision_known(struct revisions *revisions, const char *name, struct revision *out);

/* A revision that is known from before (the data base): saves looking it up. */
void revision_remember(struct revisions *revisions, const char *hash, bool trusted);

/* Have the tree of `hash`. `on_done` runs once, later; `tree` is its path, NULL when `err` says why
 * it could not be made. */
void revision_tree(struct revisions *revisions, const char *hash,
	void (*on_done)(void *owner, const char *tree, const struct err *err), void *owner);

/* The path of the tree when it is there already; NULL otherwise. The caller frees. */
char *revision_tree_path(const struct revisions *revisions, const char *hash);

/* Somebody reads the tree; calls are counted. */
void revision_pin_tree(struct revisions *revisions, const char *hash);
void revision_unpin_tree(struct revisions *revisions, const char *hash);

/* Remove the trees that are neither pinned nor wanted by `is_live`. False: ask again later. */
bool revisions_sweep_trees(
	struct revisions *revisions, bool (*is_live)(void *owner, const char *hash), void *owner);

/* To be called once a second. */
void revisions_tick(struct revisions *revisions);

/* For status: what is wrong with the last fetch (NULL: nothing), when one last went well and since
 * when one runs (ms since 1970; 0: never, none), and what a configured branch points to (NULL: not
 * known). */
const char *revisions_problem(const struct revisions *revisions);
int64_t revisions_fetched_at(const struct revisions *revisions);
int64_t revisions_fetching_since(const struct revisions *revisions);
const char *revision_of_branch(const struct revisions *revisions, const char *branch);

#endif
