/* Merging trees of files, or single files: the same names, kinds, modes and targets of links in
 * all; each file by client/merge_file.h. Links are copied, never followed. Inputs are only read. */
#ifndef CAPQ_CLIENT_MERGE_TREE_H
#define CAPQ_CLIENT_MERGE_TREE_H

#include "client/merge_file.h"

#define MERGE_DEPTH_MAX 100
#define MERGE_ENTRIES_MAX 1000000 /* In one directory. */

struct merge_tree {
	const struct merge_sides *sides;

	/* A file is done; it has the path `path` in the tree, "" when no tree is merged. */
	void (*on_file)(void *owner, const char *path, const struct merge_result *result);

	/* Something of input `input` cannot be merged; everything else is looked at all the same.
	 */
	void (*on_refused)(void *owner, size_t input, const char *path, const struct err *err);
	void *owner; /* Passed to both. */
};

/* Merge what is `paths` into `out`, which must not exist; NULL: only find out whether it can be
 * done. Returns 0 also when something was refused; a failure to write otherwise. */
int merge_tree(
	const struct merge_tree *tree, const char *const *paths, const char *out, struct err *err);

#endif
