/* A tree is made in four steps, each a child; the directory gets its final name last, so what has
 * that name is whole:
 *
 *   ARCHIVE (git archive, or tar of a path) -> EXTRACT (tar) -> HASH (nix-hash, of a path only) ->
 * done
 */
#include "daemon/pipeline/tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/capture.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define STEP_TIMEOUT_MS (30 * 60 * 1000)
#define YOUNG_SECONDS 60

enum step {
	ARCHIVE,
	EXTRACT,
	HASH,
};

struct waiter {
	struct waiter *next;
	void (*on_done)(void *owner, const char *result, const char *message);
	void *owner;
};

struct making {
	struct making *next;
	struct trees *trees;
	enum step step;
	char *clone, *hash; /* Of a commit; NULL for a path. */
	char *path;         /* To copy; NULL for a commit. */
	char *directory;    /* Where it is made. */
	struct waiter *waiters;
};

struct trees {
	struct nix *nix;
	char *directory;
	bool stopped;
	struct making *first;
	unsigned n_names; /* For names that nobody else has. */
	char **pins;      /* Hashes; one that is pinned twice stands here twice. */
	size_t n_pins, pins_capacity;
};

/* "sha256:abc" -> "sha256-abc": a colon in a path is no good to Nix. */
static char *final_path(const struct trees *trees, const char *hash)
{
	char *path = str_format("%s/%s", trees->directory, hash);

	for (char *p = path + strlen(trees->directory); *p != '\0'; p++)
		if (*p == ':')
			*p = '-';
	return path;
}

char *tree_path(const struct trees *trees, const char *hash)
{
	cleanup_free char *directory = final_path(trees, hash);
	cleanup_free char *source = str_format("%s/source", directory);

	return access(source, F_OK) == 0 ? STEAL_POINTER(source) : NULL;
}

/* ---- removing ---- */

static void on_removed(void *owner, const char *message, const char *out)
{
	(void)owner;
	(void)out;
	if (message != NULL)
		log_unusual("trees: %s", message);
}

/* Out of the way at once, gone a little later. */
static void remove_directory(struct trees *trees, const char *path)
{
	cleanup_free char *trash =
		str_format("%s/trash-%d-%u", trees->directory, (int)getpid(), trees->n_names++);
	const char *trash_path = trash;
	const char *argv[] = { "rm", "-rf", "--", NULL, NULL };
	struct capture_spec spec = {
		.name = "rm",
		.argv = argv,
		.timeout_ms = STEP_TIMEOUT_MS,
		.on_done = on_removed,
		.owner = trees,
	};
	struct capture *capture;
	struct err err;

	if (str_starts(strrchr(path, '/'), "/trash-"))
		trash_path = path;
	else if (rename(path, trash) != 0)
		return; /* It is not there. */
	argv[3] = trash_path;
	if (capture_start(trees->nix->children, &spec, &capture, &err) < 0)
		log_unusual("trees: %s", err.text); /* The next start removes it. */
}

void tree_pin(struct trees *trees, const char *hash)
{
	array_reserve(&trees->pins, &trees->pins_capacity, trees->n_pins + 1, sizeof *trees->pins);
	trees->pins[trees->n_pins++] = xstrdup(hash);
}

static size_t find_pin(const struct trees *trees, const char *hash)
{
	size_t i = 0;

	while (i < trees->n_pins && strcmp(trees->pins[i], hash) != 0)
		i++;
	return i;
}

void tree_unpin(struct trees *trees, const char *hash)
{
	size_t i = find_pin(trees, hash);

	if (i == trees->n_pins)
		return;
	free(trees->pins[i]);
	trees->pins[i] = trees->pins[--trees->n_pins];
}

/* A copy of a path that a submit just asked for has no job yet. */
static bool is_young_copy(const char *hash, const char *path)
{
	struct stat st;

	return str_starts(hash, "sha256:") && stat(path, &st) == 0 &&
	       time(NULL) - st.st_ctime < YOUNG_SECONDS;
}

static bool is_in_hand(const char *name)
{
	cleanup_free char *new = str_format("new-%d-", (int)getpid());
	cleanup_free char *trash = str_format("trash-%d-", (int)getpid());

	return str_starts(name, new) || str_starts(name, trash);
}

bool trees_clean(struct trees *trees, bool (*is_live)(void *, const char *), void *owner)
{
	DIR *dir = opendir(trees->directory);
	const struct dirent *entry;
	bool is_clean = true;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		cleanup_free char *path = str_format("%s/%s", trees->directory, entry->d_name);
		cleanup_free char *hash = xstrdup(entry->d_name);
		bool is_tree = !str_starts(hash, "new-") && !str_starts(hash, "trash-");

		if (entry->d_name[0] == '.' || is_in_hand(entry->d_name))
			continue;
		if (str_starts(hash, "sha256-"))
			hash[6] = ':';
		if (is_tree && (find_pin(trees, hash) < trees->n_pins || is_live(owner, hash)))
			continue;
		if (is_tree && is_young_copy(hash, path))
			is_clean = false;
		else
			remove_directory(trees, path);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return is_clean;
}

/* ---- making ---- */

static void unlink_making(struct making *m)
{
	struct making **at = &m->trees->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
}

static void finish(struct making *m, const char *result, const char *message)
{
	struct waiter *w = m->waiters;

	unlink_making(m);
	if (message != NULL)
		remove_directory(m->trees, m->directory);
	while (w != NULL) {
		struct waiter *next = w->next;

		w->on_done(w->owner, result, message);
		free(w);
		w = next;
	}
	free(m->clone);
	free(m->hash);
	free(m->path);
	free(m->directory);
	free(m);
}

static void take_step(struct making *m);

/* Give the directory its final name. */
static void complete(struct making *m, const char *hash)
{
	cleanup_free char *final = final_path(m->trees, hash);
	cleanup_free char *source = NULL;

	if (rename(m->directory, final) != 0) {
		if (errno != EEXIST && errno != ENOTEMPTY) {
			finish(m, NULL, strerror(errno));
			return;
		}
		remove_directory(m->trees, m->directory); /* The same tree is there already. */
	}
	source = str_format("%s/source", final);
	finish(m, m->path != NULL ? hash : source, NULL);
}

static void on_step_done(void *owner, const char *message, const char *out)
{
	struct making *m = owner;
	cleanup_free char *archive = str_format("%s/archive.tar", m->directory);
	cleanup_free char *hash = NULL;

	if (message != NULL) {
		finish(m, NULL, message);
		return;
	}
	switch (m->step) {
	case ARCHIVE:
		m->step = EXTRACT;
		take_step(m);
		return;
	case EXTRACT:
		(void)unlink(archive);
		if (m->path == NULL) {
			complete(m, m->hash);
			return;
		}
		m->step = HASH;
		take_step(m);
		return;
	case HASH:
		hash = str_format("sha256:%s", out);
		complete(m, hash);
		return;
	}
}

static void step_words(const struct making *m, struct argv *argv)
{
	switch (m->step) {
	case ARCHIVE:
		if (m->path != NULL)
			argv_add_all(argv, (const char *const[]){ "tar", "-C", m->path,
						   "--exclude=./.git", "-cf", NULL });
		else
			argv_add_all(argv, (const char *const[]){ "git", "--git-dir", m->clone,
						   "archive", "--format=tar", "-o", NULL });
		argv_addf(argv, "%s/archive.tar", m->directory);
		argv_add(argv, m->path != NULL ? "." : m->hash);
		return;
	case EXTRACT:
		argv_add_all(argv, (const char *const[]){ "tar", "-xf", NULL });
		argv_addf(argv, "%s/archive.tar", m->directory);
		argv_add(argv, "-C");
		argv_addf(argv, "%s/source", m->directory);
		return;
	case HASH:
		argv_add_all(argv,
			(const char *const[]){ "nix-hash", "--type", "sha256", "--base32", NULL });
		argv_addf(argv, "%s/source", m->directory);
		return;
	}
}

static void take_step(struct making *m)
{
	cleanup_argv struct argv argv = { 0 };
	struct capture_spec spec = {
		.env = argv_words(&m->trees->nix->env),
		.timeout_ms = STEP_TIMEOUT_MS,
		.on_done = on_step_done,
		.owner = m,
	};
	struct capture *capture;
	struct err err;

	if (m->trees->stopped) {
		finish(m, NULL, "capqd is stopping");
		return;
	}
	step_words(m, &argv);
	spec.argv = argv_words(&argv);
	spec.name = spec.argv[0];
	if (capture_start(m->trees->nix->children, &spec, &capture, &err) < 0)
		finish(m, NULL, err.text);
}

static void add_waiter(
	struct making *m, void (*on_done)(void *, const char *, const char *), void *owner)
{
	struct waiter *w = xcalloc(1, sizeof *w);

	w->on_done = on_done;
	w->owner = owner;
	w->next = m->waiters;
	m->waiters = w;
}

static struct making *new_making(struct trees *trees)
{
	struct making *m = xcalloc(1, sizeof *m);
	cleanup_free char *source = NULL;

	m->trees = trees;
	m->directory =
		str_format("%s/new-%d-%u", trees->directory, (int)getpid(), trees->n_names++);
	m->next = trees->first;
	trees->first = m;
	source = str_format("%s/source", m->directory);
	if (mkdir(m->directory, 0755) != 0 || mkdir(source, 0755) != 0)
		log_unusual("trees: cannot make %s: %s", source, strerror(errno));
	return m; /* The first child fails, and says the same. */
}

void tree_from_git(struct trees *trees, const char *clone, const char *hash,
	void (*on_done)(void *, const char *, const char *), void *owner)
{
	struct making *m;

	for (m = trees->first; m != NULL; m = m->next) {
		if (m->hash != NULL && strcmp(m->hash, hash) == 0) {
			add_waiter(m, on_done, owner);
			return;
		}
	}
	m = new_making(trees);
	m->clone = xstrdup(clone);
	m->hash = xstrdup(hash);
	add_waiter(m, on_done, owner);
	take_step(m);
}

void tree_from_path(struct trees *trees, const char *path,
	void (*on_done)(void *, const char *, const char *), void *owner)
{
	struct making *m = new_making(trees);

	m->path = xstrdup(path);
	add_waiter(m, on_done, owner);
	take_step(m);
}

struct trees *trees_create(struct nix *nix, const char *directory)
{
	struct trees *trees = xcalloc(1, sizeof *trees);

	trees->nix = nix;
	trees->directory = xstrdup(directory);
	if (mkdir(directory, 0755) != 0 && errno != EEXIST)
		log_broken("trees: cannot make %s: %s", directory, strerror(errno));
	return trees;
}

void trees_stop(struct trees *trees)
{
	trees->stopped = true;
}

void trees_destroy(struct trees *trees)
{
	if (trees == NULL)
		return;
	while (trees->n_pins > 0)
		free(trees->pins[--trees->n_pins]);
	free(trees->pins);
	free(trees->directory);
	free(trees);
}
