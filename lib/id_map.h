/* A hash table from positive 64-bit ids to 32-bit numbers: the index of a thing in an array. Pure.
 * 12 bytes an entry at three quarters full; no pointers, no allocation but when it grows. */
#ifndef CAPQ_LIB_ID_MAP_H
#define CAPQ_LIB_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_MAP_NONE UINT32_MAX

/* Zero-initialise it; id_map_finish() frees. */
struct id_map {
	int64_t *ids; /* 0: a free place. */
	uint32_t *values;
	size_t n, size; /* `size` is a power of two, or 0. */
};

void id_map_finish(struct id_map *map);
void id_map_copy(struct id_map *to, const struct id_map *from);  /* `to` is new. */
void id_map_set(struct id_map *map, int64_t id, uint32_t value); /* Adds or replaces; id > 0. */
uint32_t id_map_get(const struct id_map *map, int64_t id);       /* ID_MAP_NONE: not there. */
void id_map_remove(struct id_map *map, int64_t id);              /* Not there: nothing happens. */

#endif
