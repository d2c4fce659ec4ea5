/* Trees of files: trees/REVISION/source in the state directory, made from an archive, once for all
 * who need one, and removed as a whole. */
#ifndef CAPQ_DAEMON_PIPELINE_TREE_H
#define CAPQ_DAEMON_PIPELINE_TREE_H

#include <stdbool.h>

#include "daemon/pipeline/nix.h"

struct trees;

/* `directory` (…/trees) is made when it is not there. */
struct trees *trees_create(struct nix *nix, const char *directory);
void trees_stop(struct trees *trees); /* No step of a tree starts any more; they fail. */
void trees_destroy(struct trees *trees);

/* Remove what is in the directory and neither pinned, nor being made, nor a tree that `is_live`
 * wants. False when a copy of a path was left because it was just made: its job may be about to
 * come. Ask again later. */
bool trees_clean(struct trees *trees, bool (*is_live)(void *owner, const char *hash), void *owner);

/* Somebody reads the tree of `hash` (whether it is there or not): keep it. Calls are counted. */
void tree_pin(struct trees *trees, const char *hash);
void tree_unpin(struct trees *trees, const char *hash);

/* Have the tree of commit `hash` of the clone. `on_done` runs once, later; `tree` is the path, NULL
 * when `message` says why not. Calls for a tree that is being made are answered together. */
void tree_from_git(struct trees *trees, const char *clone, const char *hash,
	void (*on_done)(void *owner, const char *tree, const char *message), void *owner);

/* Copy the tree at `path`, leaving out a .git at its top; `hash` becomes "sha256:..." of its NAR.
 */
void tree_from_path(struct trees *trees, const char *path,
	void (*on_done)(void *owner, const char *hash, const char *message), void *owner);

/* The path of the tree of `hash`, NULL when it is not there. The caller frees. */
char *tree_path(const struct trees *trees, const char *hash);

#endif
