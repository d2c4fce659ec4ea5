#include "lib/id_map.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* Linear probing; removal moves later entries of the run back, so there are no tombstones. */

static size_t place_of(const struct id_map *map, int64_t id)
{
	return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (map->size - 1);
}

/* Where `id` is, or the free place where it would go. The table has one at all times. */
static size_t find(const struct id_map *map, int64_t id)
{
	size_t i = place_of(map, id);

	while (map->ids[i] != 0 && map->ids[i] != id)
		i = (i + 1) & (map->size - 1);
	return i;
}

static void grow(struct id_map *map)
{
	struct id_map old = *map;

	map->size = old.size == 0 ? 16 : 2 * old.size;
	map->ids = xcalloc(map->size, sizeof *map->ids);
	map->values = xcalloc(map->size, sizeof *map->values);
	for (size_t i = 0; i < old.size; i++) {
		if (old.ids[i] != 0) {
			size_t at = find(map, old.ids[i]);

			map->ids[at] = old.ids[i];
			map->values[at] = old.values[i];
		}
	}
	free(old.ids);
	free(old.values);
}

void id_map_finish(struct id_map *map)
{
	free(map->ids);
	free(map->values);
	memset(map, 0, sizeof *map);
}

void id_map_copy(struct id_map *to, const struct id_map *from)
{
	*to = *from;
	to->ids = xmemdup(from->ids, from->size * sizeof *from->ids);
	to->values = xmemdup(from->values, from->size * sizeof *from->values);
}

void id_map_set(struct id_map *map, int64_t id, uint32_t value)
{
	size_t i;

	if (4 * (map->n + 1) > 3 * map->size)
		grow(map);
	i = find(map, id);
	if (map->ids[i] == 0)
		map->n++;
	map->ids[i] = id;
	map->values[i] = value;
}

uint32_t id_map_get(const struct id_map *map, int64_t id)
{
	size_t i;

	if (map->n == 0 || id <= 0)
		return ID_MAP_NONE;
	i = find(map, id);
	return map->ids[i] == id ? map->values[i] : ID_MAP_NONE;
}

void id_map_remove(struct id_map *map, int64_t id)
{
	size_t mask = map->size - 1, hole, i;

	if (id_map_get(map, id) == ID_MAP_NONE)
		return; /* 0 is nobody's id: it is not there either. */
	hole = find(map, id);
	map->n--;
	for (i = (hole + 1) & mask; map->ids[i] != 0; i = (i + 1) & mask) {
		size_t home = place_of(map, map->ids[i]);

		/* It may move back unless its home lies behind the hole, cyclically. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			map->ids[hole] = map->ids[i];
			map->values[hole] = map->values[i];
			hole = i;
		}
	}
	map->ids[hole] = 0;
}
