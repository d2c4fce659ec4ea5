/* What a person names to be pushed: store paths, files in them, or links to them. */
#ifndef CAPQ_PUSH_TARGET_H
#define CAPQ_PUSH_TARGET_H

/* The store path that `text` is, lies in or leads to; NULL: none. Looks at the file system unless
 * `text` begins with the store directory. The caller frees. */
char *target_path(const char *text);

#endif
