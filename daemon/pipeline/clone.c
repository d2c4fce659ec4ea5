#include "daemon/pipeline/clone.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/capture.h"
#include "io/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

#define ASK_TIMEOUT_MS (5 * 60 * 1000)

struct clone {
	struct nix *nix;
	char *path;
	struct argv env; /* nix->env and what git needs. */
	void (*on_fetched)(void *owner, bool went_well);
	void *owner;
	bool stopped;

	bool is_there;            /* One fetch at least went well. */
	struct capture *fetching; /* NULL: no fetch runs. */
	int64_t began_at;         /* Of the fetch that runs, wall clock, ms. */
	int64_t fetched_at;       /* Wall clock, ms; 0: never. */
	int64_t fetched_ms;       /* Monotonic. */
	char *problem;            /* Of the last fetch; NULL: none. */
	uv_timer_t timer;
};

static const struct settings *settings_of(const struct clone *c)
{
	return c->nix->settings;
}

/* ---- git ---- */

void clone_begin_git(const struct clone *c, struct argv *argv)
{
	/* gc.auto would go on in the background after git has ended. */
	argv_add_all(argv, (const char *const[]){ "git", "--git-dir", c->path, "-c", "gc.auto=0",
				   "-c", "protocol.ext.allow=never", NULL });
}

static int run_git(struct clone *c, const struct argv *argv, int64_t timeout_ms,
	void (*on_done)(void *, const char *, const char *), void *owner, struct capture **out,
	struct err *err)
{
	struct capture_spec spec = {
		.name = "git",
		.argv = argv_words(argv),
		.env = argv_words(&c->env),
		.timeout_ms = (uint64_t)timeout_ms,
		.on_done = on_done,
		.owner = owner,
	};

	return capture_start(c->nix->children, &spec, out, err);
}

int clone_ask_git(struct clone *c, const struct argv *argv,
	void (*on_done)(void *, const char *, const char *), void *owner, struct err *err)
{
	struct capture *capture;

	return run_git(c, argv, ASK_TIMEOUT_MS, on_done, owner, &capture, err);
}

int clone_fetch_commit(struct clone *c, const char *hash,
	void (*on_done)(void *, const char *, const char *), void *owner, struct err *err)
{
	cleanup_argv struct argv argv = { 0 };
	struct capture *capture;

	clone_begin_git(c, &argv);
	argv_add_all(&argv,
		(const char *const[]){ "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
			"--no-auto-maintenance", "--", settings_of(c)->nixpkgs.url, NULL });
	argv_addf(&argv, "%s:refs/capq/%s", hash, hash);
	return run_git(
		c, &argv, settings_of(c)->nixpkgs.fetch_timeout_ms, on_done, owner, &capture, err);
}

/* ---- fetching ---- */

static void set_problem(struct clone *c, const char *message)
{
	if (message != NULL && (c->problem == NULL || strcmp(c->problem, message) != 0))
		log_unusual("nixpkgs: %s", message);
	if (message == NULL && c->problem != NULL)
		log_fact("nixpkgs: can be fetched again");
	free(c->problem);
	c->problem = xstrdup_or_null(message);
}

static void on_collected(void *owner, const char *message, const char *out)
{
	(void)owner;
	(void)out;
	if (message != NULL)
		log_unusual("nixpkgs: %s", message);
}

/* Fetches leave small packs behind; now and then git puts them together. */
static void collect_packs(struct clone *c)
{
	cleanup_argv struct argv argv = { 0 };
	struct capture *capture;
	struct err err;

	argv_add_all(&argv, (const char *const[]){ "git", "--git-dir", c->path, "-c",
				    "gc.autoDetach=false", "gc", "--auto", "--quiet", NULL });
	if (run_git(c, &argv, settings_of(c)->nixpkgs.fetch_timeout_ms, on_collected, c, &capture,
		    &err) < 0)
		log_unusual("nixpkgs: %s", err.text);
}

/* A file says that the clone is whole and when it last was brought up to date: without the network,
 * a restarted capqd goes on with what it has. */
static char *mark_file(const struct clone *c)
{
	return str_format("%s/capq-fetched", c->path);
}

static void mark_cloned(struct clone *c)
{
	cleanup_free char *path = mark_file(c);
	FILE *f = fopen(path, "we");

	c->is_there = true;
	if (f == NULL || fclose(f) != 0)
		log_unusual("nixpkgs: cannot write %s", path);
}

static void find_earlier_clone(struct clone *c)
{
	cleanup_free char *path = mark_file(c);
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	c->is_there = true;
	c->fetched_at = (int64_t)st.st_mtime * 1000;
	c->fetched_ms = INT64_MIN / 2; /* However long ago: not fresh. */
}

static void note_fetched(struct clone *c)
{
	if (!c->is_there)
		log_fact("nixpkgs: the clone of %s is ready", settings_of(c)->nixpkgs.url);
	mark_cloned(c);
	c->fetched_at = clock_wall_ms();
	c->fetched_ms = clock_mono_ms();
	if (!c->stopped)
		collect_packs(c);
}

static void on_fetch_time(uv_timer_t *timer)
{
	clone_fetch(timer->data);
}

static void on_fetched(void *owner, const char *message, const char *out)
{
	struct clone *c = owner;

	(void)out;
	c->fetching = NULL;
	set_problem(c, message);
	if (message == NULL)
		note_fetched(c);
	c->on_fetched(c->owner, message == NULL);
	if (!c->stopped)
		uv_timer_start(&c->timer, on_fetch_time,
			(uint64_t)settings_of(c)->nixpkgs.fetch_every_ms, 0);
}

static void add_refspecs(const struct clone *c, struct argv *argv)
{
	const struct texts *branches = &settings_of(c)->nixpkgs.branches;

	argv_add(argv, settings_of(c)->nixpkgs.url);
	for (size_t i = 0; i < branches->n; i++)
		argv_addf(argv, "+refs/heads/%s:refs/heads/%s", branches->items[i],
			branches->items[i]);
	if (settings_of(c)->nixpkgs.tags)
		argv_add(argv, "+refs/tags/*:refs/tags/*");
}

static void fetch_now(struct clone *c)
{
	cleanup_argv struct argv argv = { 0 };
	struct err err;

	clone_begin_git(c, &argv);
	argv_add_all(&argv, (const char *const[]){ "fetch", "--quiet", "--force", "--no-tags",
				    "--no-write-fetch-head", "--no-auto-maintenance", "--", NULL });
	add_refspecs(c, &argv);
	if (run_git(c, &argv, settings_of(c)->nixpkgs.fetch_timeout_ms, on_fetched, c, &c->fetching,
		    &err) < 0)
		on_fetched(c, err.text, "");
}

static void on_initialised(void *owner, const char *message, const char *out)
{
	struct clone *c = owner;

	if (message != NULL || c->stopped)
		on_fetched(c, message == NULL ? "stopped" : message, out);
	else
		fetch_now(c);
}

void clone_fetch(struct clone *c)
{
	cleanup_argv struct argv argv = { 0 };
	struct err err;

	if (c->fetching != NULL || c->stopped || settings_of(c)->nixpkgs.url == NULL)
		return;
	uv_timer_stop(&c->timer);
	c->began_at = clock_wall_ms();
	if (c->is_there) {
		fetch_now(c);
		return;
	}
	/* Until a fetch went well we may have been killed within this: git makes it whole. */
	log_fact("nixpkgs: cloning %s; the first time this can take long",
		settings_of(c)->nixpkgs.url);
	argv_add_all(&argv,
		(const char *const[]){ "git", "init", "--quiet", "--bare", "--", c->path, NULL });
	if (run_git(c, &argv, ASK_TIMEOUT_MS, on_initialised, c, &c->fetching, &err) < 0)
		on_fetched(c, err.text, "");
}

/* ---- life ---- */

static void write_git_config(const char *path)
{
	FILE *f = fopen(path, "we");

	/* The administrator named the repository; who owns its files is not for git to wonder. */
	if (f != NULL) {
		(void)fputs("[safe]\n\tdirectory = *\n", f);
		(void)fclose(f);
	}
}

struct clone *clone_create(struct nix *nix, const char *state_dir,
	void (*on_end)(void *owner, bool went_well), void *owner)
{
	struct clone *c = xcalloc(1, sizeof *c);
	cleanup_free char *config = str_format("%s/gitconfig", nix->directory);

	c->nix = nix;
	c->path = str_format("%s/nixpkgs.git", state_dir);
	c->on_fetched = on_end;
	c->owner = owner;
	write_git_config(config);
	argv_add_all(&c->env, argv_words(&nix->env));
	argv_add(&c->env, "GIT_TERMINAL_PROMPT=0");
	argv_addf(&c->env, "GIT_CONFIG_GLOBAL=%s", config);
	uv_timer_init(nix->children->loop, &c->timer);
	c->timer.data = c;
	return c;
}

/* What a killed git left: parts of packs, which nothing else would ever remove, and locks, which
 * would stop every other git. */
static int remove_leftover(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;

	(void)st;
	if (type == FTW_F && (str_starts(name, "tmp_") || str_ends(name, ".lock")) &&
		unlink(path) != 0)
		log_unusual("nixpkgs: cannot remove %s: %s", path, strerror(errno));
	return 0;
}

void clone_start(struct clone *c)
{
	if (settings_of(c)->nixpkgs.url == NULL)
		return;
	/* The state directory is ours alone. */
	(void)nftw(c->path, remove_leftover, 16, FTW_PHYS);
	find_earlier_clone(c);
	clone_fetch(c);
}

void clone_stop(struct clone *c)
{
	c->stopped = true;
	uv_timer_stop(&c->timer);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct clone *c = handle->data;

	argv_finish(&c->env);
	free(c->path);
	free(c->problem);
	free(c);
}

void clone_destroy(struct clone *c)
{
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* ---- how it is ---- */

bool clone_is_there(const struct clone *c)
{
	return c->is_there;
}

bool clone_is_fresh(const struct clone *c)
{
	return c->is_there && clock_mono_ms() - c->fetched_ms <= settings_of(c)->nixpkgs.max_age_ms;
}

bool clone_is_fetching(const struct clone *c)
{
	return c->fetching != NULL;
}

int64_t clone_fetching_since(const struct clone *c)
{
	return c->fetching != NULL ? c->began_at : 0;
}

const char *clone_path(const struct clone *c)
{
	return c->path;
}

const char *clone_problem(const struct clone *c)
{
	return c->problem;
}

int64_t clone_fetched_at(const struct clone *c)
{
	return c->fetched_at;
}
