#include "daemon/pipeline/revision.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/clone.h"
#include "daemon/pipeline/tree.h"
#include "io/clock.h"
#include "lib/job.h"
#include "lib/mem.h"
#include "lib/rev_name.h"
#include "lib/str.h"

#define KNOWN_MAX 1000                /* Names remembered until the next fetch. */
#define CLONE_PATIENCE_MS (10 * 1000) /* How long a lookup waits for the first clone, */
#define FETCH_PATIENCE_MS (60 * 1000) /* and for a fetch. */

/* What a name means, as looked up since the last fetch. */
struct known {
	char *name, *hash, *from;
	bool trusted;
};

struct revisions {
	struct nix *nix;
	struct clone *clone;
	struct trees *trees;
	bool stopped;
	struct known *known;
	size_t n_known, known_capacity;
	struct lookup *waiting; /* For the fetch that runs. */
	size_t n_lookups;
};

/* One name being looked up. After START each state waits for git's answer. */
enum lookup_state {
	START,
	AS_BRANCH,
	AS_TAG,
	AS_HASH,
	TRUST,
	FETCH_HASH, /* An untrusted one that the clone does not have. */
	COPY,       /* A path's tree. */
};

struct lookup {
	struct lookup *next;
	struct revisions *revisions;
	char *name;
	enum lookup_state state;
	bool has_fetched, has_fetched_hash;
	int64_t give_up_ms; /* Monotonic: how long it waits for a fetch. */
	char *hash, *from;
	void (*on_done)(
		void *owner, int rv, const struct revision *revision, const struct err *err);
	void *owner;
};

static void lookup_step(struct lookup *l);
static void fail_lookup(struct lookup *l, int code, const char *text);

static const struct settings *settings_of(const struct revisions *r)
{
	return r->nix->settings;
}

/* ---- names that are known ---- */

static void forget_names(struct revisions *r)
{
	for (size_t i = 0; i < r->n_known; i++) {
		free(r->known[i].name);
		free(r->known[i].hash);
		free(r->known[i].from);
	}
	r->n_known = 0;
}

static void remember(struct revisions *r, const char *name, const struct revision *revision)
{
	struct revision known;

	if (revision_known(r, name, &known))
		return;
	if (r->n_known == KNOWN_MAX)
		forget_names(r);
	array_reserve(&r->known, &r->known_capacity, r->n_known + 1, sizeof *r->known);
	r->known[r->n_known++] = (struct known){
		.name = xstrdup(name),
		.hash = xstrdup(revision->hash),
		.from = xstrdup(revision->from),
		.trusted = revision->trusted,
	};
}

void revision_remember(struct revisions *r, const char *hash, bool trusted)
{
	struct revision revision = { .hash = hash, .from = "hash", .trusted = trusted };

	if (trusted) /* What is not may have become so since. */
		remember(r, hash, &revision);
}

static const char *default_name(const struct revisions *r, const char *name)
{
	if (name[0] == '\0' && settings_of(r)->nixpkgs.branches.n > 0)
		return settings_of(r)->nixpkgs.branches.items[0];
	return name;
}

bool revision_known(struct revisions *r, const char *name, struct revision *out)
{
	if (settings_of(r)->nixpkgs.path != NULL)
		return false;
	name = default_name(r, name);
	for (size_t i = 0; i < r->n_known; i++) {
		const struct known *k = &r->known[i];

		if (strcmp(k->name, name) != 0)
			continue;
		if (!rev_is_full_hash(name) && !clone_is_fresh(r->clone))
			return false;
		*out = (struct revision){ .hash = k->hash, .from = k->from, .trusted = k->trusted };
		return k->trusted || settings_of(r)->nixpkgs.allow_untrusted;
	}
	return false;
}

/* ---- waiting for a fetch ---- */

static void wake_waiting(struct revisions *r)
{
	struct lookup *l = STEAL_POINTER(r->waiting);

	while (l != NULL) {
		struct lookup *next = l->next;

		l->next = NULL;
		l->has_fetched = true;
		lookup_step(l);
		l = next;
	}
}

/* Nobody waits for hours: that is how long the first clone of nixpkgs may take. */
void revisions_tick(struct revisions *r)
{
	int64_t now = clock_mono_ms();
	struct lookup **at = &r->waiting;

	while (*at != NULL) {
		struct lookup *l = *at;

		if (l->give_up_ms > now) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		fail_lookup(l, CAPQ_EBUSY,
			clone_is_there(r->clone)
				? "nixpkgs is being fetched, which takes unusually long"
				: "nixpkgs is being cloned for the first time, which can take long "
				  "(capq status says when it is there)");
	}
}

static struct lookup *new_lookup(struct revisions *r, const char *name,
	void (*on_done)(void *, int, const struct revision *, const struct err *), void *owner)
{
	struct lookup *l = xcalloc(1, sizeof *l);

	r->n_lookups++;
	l->revisions = r;
	l->name = xstrdup(name);
	l->on_done = on_done;
	l->owner = owner;
	l->give_up_ms = clock_mono_ms() +
			(clone_is_there(r->clone) ? FETCH_PATIENCE_MS : CLONE_PATIENCE_MS);
	return l;
}

static void on_branch_known(
	void *owner, int rv, const struct revision *revision, const struct err *err)
{
	(void)owner;
	(void)rv;
	(void)revision;
	(void)err; /* Who asks for that branch is told. */
}

/* So that status shows where the branches are, and the next submits wait for nothing. */
static void look_branches_up(struct revisions *r)
{
	const struct texts *branches = &settings_of(r)->nixpkgs.branches;

	for (size_t i = 0; i < branches->n; i++) {
		struct lookup *l = new_lookup(r, branches->items[i], on_branch_known, NULL);

		l->has_fetched = true;
		lookup_step(l);
	}
}

static void on_fetched(void *owner, bool went_well)
{
	struct revisions *r = owner;

	if (went_well)
		forget_names(r);
	wake_waiting(r);
	if (went_well && !r->stopped)
		look_branches_up(r);
}

/* ---- looking a name up ---- */

static void finish_lookup(
	struct lookup *l, int rv, const struct revision *revision, const struct err *err)
{
	if (rv == 0 && settings_of(l->revisions)->nixpkgs.path == NULL)
		remember(l->revisions, l->name, revision);
	l->revisions->n_lookups--;
	l->on_done(l->owner, rv, revision, err);
	free(l->name);
	free(l->hash);
	free(l->from);
	free(l);
}

static void fail_lookup(struct lookup *l, int code, const char *text)
{
	struct err err;

	finish_lookup(l, err_set(&err, code, "%s", text), NULL, &err);
}

static void succeed(struct lookup *l, bool trusted)
{
	struct revision revision = { .hash = l->hash, .from = l->from, .trusted = trusted };

	finish_lookup(l, 0, &revision, NULL);
}

static bool is_configured_branch(const struct revisions *r, const char *name)
{
	const struct texts *branches = &settings_of(r)->nixpkgs.branches;

	for (size_t i = 0; i < branches->n; i++)
		if (strcmp(branches->items[i], name) == 0)
			return true;
	return false;
}

static void wait_for_fetch(struct lookup *l)
{
	l->state = START;
	l->next = l->revisions->waiting;
	l->revisions->waiting = l;
	clone_fetch(l->revisions->clone);
}

static void on_answer(void *owner, const char *message, const char *out);

static void ask_git(struct lookup *l, const struct argv *argv)
{
	struct err err;

	if (clone_ask_git(l->revisions->clone, argv, on_answer, l, &err) < 0)
		fail_lookup(l, CAPQ_EBUSY, err.text);
}

static void ask_rev(struct lookup *l, enum lookup_state state, const char *prefix)
{
	cleanup_argv struct argv argv = { 0 };

	l->state = state;
	clone_begin_git(l->revisions->clone, &argv);
	argv_add_all(&argv, (const char *const[]){
				    "rev-parse", "--verify", "--quiet", "--end-of-options", NULL });
	argv_addf(&argv, "%s%s^{commit}", prefix, l->name);
	ask_git(l, &argv);
}

/* Which of the configured branches hold the commit? */
static void ask_trust(struct lookup *l)
{
	const struct texts *branches = &settings_of(l->revisions)->nixpkgs.branches;
	cleanup_argv struct argv argv = { 0 };

	l->state = TRUST;
	clone_begin_git(l->revisions->clone, &argv);
	argv_add_all(&argv, (const char *const[]){ "for-each-ref", "--count=1",
				    "--format=%(refname)", "--contains", l->hash, NULL });
	for (size_t i = 0; i < branches->n; i++)
		argv_addf(&argv, "refs/heads/%s", branches->items[i]);
	ask_git(l, &argv);
}

static void fetch_hash(struct lookup *l)
{
	struct err err;

	l->state = FETCH_HASH;
	l->has_fetched_hash = true;
	if (clone_fetch_commit(l->revisions->clone, l->name, on_answer, l, &err) < 0)
		fail_lookup(l, CAPQ_EBUSY, err.text);
}

static void say_unknown(struct lookup *l)
{
	cleanup_str struct str text = { 0 };
	const struct texts *branches = &settings_of(l->revisions)->nixpkgs.branches;

	str_addf(&text, "there is no revision '%.200s': expected a branch (", l->name);
	for (size_t i = 0; i < branches->n && i < 8; i++)
		str_addf(&text, "%s%s", i == 0 ? "" : ", ", branches->items[i]);
	str_addf(&text, "%s), a tag, or 7 to 40 digits, not ambiguous, of a commit on one of them",
		branches->n > 8 ? ", ..." : "");
	fail_lookup(l, CAPQ_ENOTFOUND, str_text(&text));
}

/* It is none of what we have: perhaps a fetch brings it. */
static void not_found(struct lookup *l)
{
	const struct settings *s = settings_of(l->revisions);

	if (!l->has_fetched && !clone_is_fresh(l->revisions->clone))
		wait_for_fetch(l);
	else if (s->nixpkgs.allow_untrusted && rev_is_full_hash(l->name) && !l->has_fetched_hash)
		fetch_hash(l);
	else
		say_unknown(l);
}

static void set_result(struct lookup *l, const char *hash, const char *kind, const char *name)
{
	l->hash = xstrdup(hash);
	l->from = name == NULL ? xstrdup(kind) : str_format("%s %s", kind, name);
}

static void judge_trust(struct lookup *l, const char *branch)
{
	cleanup_free char *text = NULL;

	if (branch[0] != '\0' || settings_of(l->revisions)->nixpkgs.allow_untrusted) {
		succeed(l, branch[0] != '\0');
		return;
	}
	text = str_format(
		"revision %.12s is on none of the configured branches, and capqd is configured "
		"to build only what is (nixpkgs.allow_untrusted)",
		l->hash);
	fail_lookup(l, CAPQ_EDENIED, text);
}

static void on_answer(void *owner, const char *message, const char *out)
{
	struct lookup *l = owner;
	bool found = message == NULL && rev_is_full_hash(out);

	if (l->revisions->stopped) {
		fail_lookup(l, CAPQ_EBUSY, "capqd is stopping");
		return;
	}
	switch (l->state) {
	case AS_BRANCH:
		if (!found) {
			not_found(l);
			return;
		}
		set_result(l, out, "branch", l->name);
		succeed(l, true);
		return;
	case AS_TAG:
		if (found) {
			set_result(l, out, "tag", l->name);
			ask_trust(l);
		} else if (rev_is_short_hash(l->name)) {
			ask_rev(l, AS_HASH, "");
		} else {
			not_found(l);
		}
		return;
	case AS_HASH:
		if (!found) {
			not_found(l);
			return;
		}
		set_result(l, out, "hash", NULL);
		ask_trust(l);
		return;
	case TRUST:
		if (message != NULL)
			fail_lookup(l, CAPQ_EBUSY, message);
		else
			judge_trust(l, out);
		return;
	case FETCH_HASH:
		if (message != NULL)
			say_unknown(l);
		else
			ask_rev(l, AS_HASH, "");
		return;
	case START:
	case COPY:
		return;
	}
}

static void on_copied(void *owner, const char *hash, const char *message)
{
	struct lookup *l = owner;

	if (message != NULL) {
		fail_lookup(l, CAPQ_EFAILED, message);
		return;
	}
	set_result(l, hash, "path", NULL);
	succeed(l, true); /* The administrator configured it. */
}

static void lookup_step(struct lookup *l)
{
	struct revisions *r = l->revisions;
	const char *problem = clone_problem(r->clone);

	if (r->stopped)
		fail_lookup(l, CAPQ_EBUSY, "capqd is stopping");
	else if (!clone_is_there(r->clone) && l->has_fetched)
		fail_lookup(l, CAPQ_EBUSY, problem == NULL ? "nixpkgs is not there yet" : problem);
	else if (!clone_is_there(r->clone))
		wait_for_fetch(l);
	else if (!is_configured_branch(r, l->name))
		ask_rev(l, AS_TAG, "refs/tags/");
	else if (!l->has_fetched && !clone_is_fresh(r->clone))
		wait_for_fetch(l);
	else
		ask_rev(l, AS_BRANCH, "refs/heads/");
}

/* The answer must not come before revision_resolve() returns: begin in the next turn. */
struct beginning {
	uv_timer_t timer;
	struct lookup *lookup;
};

static void on_beginning_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_begin(uv_timer_t *timer)
{
	struct beginning *b = timer->data;
	struct lookup *l = b->lookup;
	struct revisions *r = l->revisions;

	uv_close((uv_handle_t *)timer, on_beginning_closed);
	if (r->stopped) {
		fail_lookup(l, CAPQ_EBUSY, "capqd is stopping");
	} else if (settings_of(r)->nixpkgs.path != NULL) {
		l->state = COPY;
		if (l->name[0] != '\0')
			fail_lookup(l, CAPQ_EINVAL,
				"nixpkgs is a path here, so a job names no revision: leave 'rev' "
				"out");
		else
			tree_from_path(r->trees, settings_of(r)->nixpkgs.path, on_copied, l);
	} else if (!rev_name_is_valid(l->name)) {
		fail_lookup(l, CAPQ_EINVAL, "'rev' is no name of a branch, tag or commit");
	} else {
		lookup_step(l);
	}
}

void revision_resolve(struct revisions *r, const char *name,
	void (*on_done)(void *, int, const struct revision *, const struct err *), void *owner)
{
	bool is_path = settings_of(r)->nixpkgs.path != NULL;
	struct beginning *b = xcalloc(1, sizeof *b);

	b->lookup = new_lookup(r, is_path ? name : default_name(r, name), on_done, owner);
	b->timer.data = b;
	uv_timer_init(r->nix->children->loop, &b->timer);
	uv_timer_start(&b->timer, on_begin, 0, 0);
}

/* ---- trees ---- */

struct tree_request {
	void (*on_done)(void *owner, const char *tree, const struct err *err);
	void *owner;
};

static void on_tree(void *owner, const char *tree, const char *message)
{
	struct tree_request *request = owner;
	struct err err = { 0 };

	if (message != NULL)
		(void)err_set(&err, CAPQ_EFAILED, "cannot make the tree: %s", message);
	request->on_done(request->owner, tree, &err);
	free(request);
}

void revision_tree(struct revisions *r, const char *hash,
	void (*on_done)(void *, const char *, const struct err *), void *owner)
{
	struct tree_request *request = xcalloc(1, sizeof *request);

	request->on_done = on_done;
	request->owner = owner;
	tree_from_git(r->trees, clone_path(r->clone), hash, on_tree, request);
}

char *revision_tree_path(const struct revisions *r, const char *hash)
{
	return tree_path(r->trees, hash);
}

void revision_pin_tree(struct revisions *r, const char *hash)
{
	tree_pin(r->trees, hash);
}

void revision_unpin_tree(struct revisions *r, const char *hash)
{
	tree_unpin(r->trees, hash);
}

bool revisions_sweep_trees(struct revisions *r, bool (*is_live)(void *, const char *), void *owner)
{
	return trees_clean(r->trees, is_live, owner);
}

/* ---- life ---- */

struct revisions *revisions_create(struct nix *nix, const char *state_dir)
{
	struct revisions *r = xcalloc(1, sizeof *r);
	cleanup_free char *trees = str_format("%s/trees", state_dir);

	r->nix = nix;
	r->clone = clone_create(nix, state_dir, on_fetched, r);
	r->trees = trees_create(nix, trees);
	return r;
}

void revisions_start(struct revisions *r, bool (*is_live)(void *, const char *), void *owner)
{
	(void)trees_clean(r->trees, is_live, owner);
	clone_start(r->clone);
}

void revisions_stop(struct revisions *r)
{
	r->stopped = true;
	clone_stop(r->clone);
	trees_stop(r->trees);
	if (!clone_is_fetching(r->clone))
		wake_waiting(r);
}

bool revisions_are_idle(const struct revisions *r)
{
	return r->n_lookups == 0;
}

void revisions_destroy(struct revisions *r)
{
	clone_destroy(r->clone);
	trees_destroy(r->trees);
	forget_names(r);
	free(r->known);
	free(r);
}

const char *revisions_problem(const struct revisions *r)
{
	return clone_problem(r->clone);
}

int64_t revisions_fetching_since(const struct revisions *r)
{
	return clone_fetching_since(r->clone);
}

int64_t revisions_fetched_at(const struct revisions *r)
{
	return clone_fetched_at(r->clone);
}

const char *revision_of_branch(const struct revisions *r, const char *branch)
{
	for (size_t i = 0; i < r->n_known; i++)
		if (strcmp(r->known[i].name, branch) == 0)
			return r->known[i].hash;
	return NULL;
}
