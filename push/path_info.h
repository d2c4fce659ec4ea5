/* What Nix knows of store paths: the answer of `nix path-info --json`, in every shape it has had.
 * Pure.
 *
 *   Nix 2.8 to 2.18, Lix    a list of objects, each with its `path`; `valid` may be false
 *   Nix 2.19 and later      a map from path to object; null for a path that is not valid
 *   --json-format 2 and 3   the same map as member `info` of an object, with base names */
#ifndef CAPQ_PUSH_PATH_INFO_H
#define CAPQ_PUSH_PATH_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/hash.h"

struct path_info {
	char *path;                         /* In full. */
	bool is_valid;                      /* False: Nix does not have it; `path` is all. */
	unsigned char nar_hash[SHA256_LEN]; /* SHA-256 of its NAR. */
	uint64_t nar_size;                  /* Bytes of its NAR. */
	char **references;                  /* In full, sorted bytewise, each once; itself
					     * included when it refers to itself. */
	size_t n_references;
	char *deriver;     /* In full; NULL when it is not known. */
	char *ca;          /* How its content makes its address; NULL when it does not. */
	char **signatures; /* Each "KEYNAME:BASE64"; of none it is known here that it is good. */
	size_t n_signatures;
};

struct path_infos {
	struct path_info *items;
	size_t n, capacity;
};

/* Read `len` bytes of JSON and append what they say to `infos` (zero-initialised at first). A path
 * may come more than once. CAPQ_EINVAL: they are not what Nix prints; `infos` is as before. */
int path_infos_read(struct path_infos *infos, const char *json, size_t len, struct err *err);

/* Sort by path and keep each once: valid if it was so once. */
void path_infos_sort(struct path_infos *infos);

/* The info of `path` in sorted `infos`, NULL when there is none. Borrowed. */
struct path_info *path_infos_find(const struct path_infos *infos, const char *path);

void path_infos_free(struct path_infos *infos);

#endif
