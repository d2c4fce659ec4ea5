#include "lib/str_map.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* FNV-1a, 64 bits (Fowler, Noll, Vo). Keys are store paths that were checked, not an attacker's. */
static uint64_t hash_of(const char *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/* Where `key` is, or the free place where it would go. The table has one at all times. */
static size_t find(const struct str_map *map, const char *key)
{
	size_t i = hash_of(key) & (map->size - 1);

	while (map->keys[i] != NULL && strcmp(map->keys[i], key) != 0)
		i = (i + 1) & (map->size - 1);
	return i;
}

static void grow(struct str_map *map)
{
	struct str_map old = *map;

	map->size = old.size == 0 ? 16 : 2 * old.size;
	map->keys = xcalloc(map->size, sizeof *map->keys);
	map->values = xcalloc(map->size, sizeof *map->values);
	for (size_t i = 0; i < old.size; i++) {
		if (old.keys[i] != NULL) {
			size_t at = find(map, old.keys[i]);

			map->keys[at] = old.keys[i];
			map->values[at] = old.values[i];
		}
	}
	free(old.keys);
	free(old.values);
}

void str_map_finish(struct str_map *map)
{
	free(map->keys);
	free(map->values);
	memset(map, 0, sizeof *map);
}

void str_map_set(struct str_map *map, const char *key, uint32_t value)
{
	size_t i;

	if (4 * (map->n + 1) > 3 * map->size)
		grow(map);
	i = find(map, key);
	if (map->keys[i] == NULL)
		map->n++;
	map->keys[i] = key;
	map->values[i] = value;
}

uint32_t str_map_get(const struct str_map *map, const char *key)
{
	size_t i;

	if (map->n == 0)
		return STR_MAP_NONE;
	i = find(map, key);
	return map->keys[i] == NULL ? STR_MAP_NONE : map->values[i];
}
