/* Files that name the store path they are part of. Pure.
 *
 * Two builds of one package have two store paths, and their files differ where they name them
 * (RUNPATH, pkg-config files, scripts): in the hash, which has the same length in all. */
#ifndef CAPQ_LIB_STORE_REFS_H
#define CAPQ_LIB_STORE_REFS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/splice.h"
#include "lib/store_path.h"

/* The hashes (STORE_HASH_LEN characters) of the store paths that two files are part of; NULL: of
 * none, or it is not known. */
struct store_refs {
	const char *a, *b;
};

/* The first place from `at` on where the two differ other than by one hash here and the other
 * there; the size of the shorter, unless it is found before. */
uint64_t store_refs_differ(struct bytes a, struct bytes b, struct store_refs refs, uint64_t at);

/* The same path with another hash. */
bool store_refs_same_text(const char *a, const char *b, struct store_refs refs);

/* Replace `from` by `to`, hashes, wherever the base of `s` is still to be seen. `to` is borrowed.
 * Returns how often `from` was there. With `to` NULL they are only counted. */
uint64_t store_refs_replace(struct spliced *s, const char *from, const char *to);

#endif
