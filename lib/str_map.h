/* A hash table from texts to 32-bit numbers: the index of a thing in an array. Keys are borrowed
 * and must stay. Pure. */
#ifndef CAPQ_LIB_STR_MAP_H
#define CAPQ_LIB_STR_MAP_H

#include <stddef.h>
#include <stdint.h>

#define STR_MAP_NONE UINT32_MAX

/* Zero-initialise it; str_map_finish() frees. */
struct str_map {
	const char **keys; /* NULL: a free place. */
	uint32_t *values;
	size_t n, size; /* `size` is a power of two, or 0. */
};

void str_map_finish(struct str_map *map);
void str_map_set(struct str_map *map, const char *key, uint32_t value); /* Adds or replaces. */
uint32_t str_map_get(const struct str_map *map, const char *key); /* STR_MAP_NONE: not there. */

#endif
