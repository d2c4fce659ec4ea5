/* Roots: links in the state directory that keep Nix's garbage collector away. A root is a row
 * (store/root.h) and the links whose names begin with its id: 17, 17-2, 17-2-dev. Nix makes and
 * registers them (--add-root --indirect); removing one is removing its link. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/steps.h"
#include "daemon/store/root.h"

char *root_file(const struct pipeline *p, int64_t root_id)
{
	return str_format("%s/%" PRId64, p->root_dir, root_id);
}

void root_pin(struct pipeline *p, int64_t root_id)
{
	id_map_set(&p->pinned_roots, root_id, 1);
}

void root_unpin(struct pipeline *p, int64_t root_id)
{
	id_map_remove(&p->pinned_roots, root_id);
}

struct sweep {
	struct pipeline *p;
	struct id_map unused;
};

static void note_unused(void *owner, int64_t root_id)
{
	struct sweep *s = owner;

	if (id_map_get(&s->p->pinned_roots, root_id) == ID_MAP_NONE)
		id_map_set(&s->unused, root_id, 1);
}

/* Remove the links of the roots that are unused, and those of roots that have no row. Links go
 * before rows: when we die in between, a row without links remains, which the next sweep removes.
 */
static void remove_links(struct pipeline *p, const struct id_map *unused)
{
	DIR *dir = opendir(p->root_dir);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int64_t id = strtoll(entry->d_name, NULL, 10);
		cleanup_free char *path = str_format("%s/%s", p->root_dir, entry->d_name);

		if (id <= 0 || id_map_get(&p->pinned_roots, id) != ID_MAP_NONE)
			continue;
		if (id_map_get(unused, id) == ID_MAP_NONE && store_root_exists(p->store, id))
			continue;
		if (unlink(path) != 0)
			log_unusual("roots: cannot remove %s: %s", path, strerror(errno));
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static void write_deleted(struct pipeline *p, void *data)
{
	const struct id_map *unused = data;

	for (size_t i = 0; i < unused->size; i++)
		if (unused->ids[i] != 0)
			store_root_delete(p->store, unused->ids[i]);
}

static void free_unused(void *data)
{
	id_map_finish(data);
	free(data);
}

void roots_sweep(struct pipeline *p)
{
	struct sweep s = { .p = p };
	struct id_map *unused = xmalloc(sizeof *unused);

	p->sweep_roots = false;
	store_roots_unused(p->store, note_unused, &s);
	remove_links(p, &s.unused);
	*unused = s.unused;
	if (unused->n > 0)
		pipeline_post(p, write_deleted, unused, free_unused);
	else
		free_unused(unused);
}
