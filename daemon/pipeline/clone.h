/* The clone: capqd's own bare copy of the configured branches (and tags) of nixpkgs, and the
 * fetches that keep it fresh.
 *
 * The happy path: `git init` and a first fetch, which can take long; from then on a fetch every
 * nixpkgs.fetch_every, and whenever somebody asks for one.
 * - A fetch fails: the clone stays as it was, and clone_problem() says why until one goes well.
 * - capqd is killed while the clone is made: git makes it whole at the next start. A file in it
 * says that a fetch went well once. */
#ifndef CAPQ_DAEMON_PIPELINE_CLONE_H
#define CAPQ_DAEMON_PIPELINE_CLONE_H

#include "daemon/pipeline/nix.h"

struct clone;

/* The clone in `state_dir`, which is borrowed. Nothing runs yet. `on_end` runs after each
 * fetch, within clone_fetch() when git cannot even be started. */
struct clone *clone_create(struct nix *nix, const char *state_dir,
	void (*on_end)(void *owner, bool went_well), void *owner);

/* All its children have ended. The memory goes with the loop's next turns. */
void clone_destroy(struct clone *clone);

void clone_start(struct clone *clone); /* Mend what a killed git left, and fetch. */
void clone_stop(struct clone *clone);  /* Nothing new is fetched. */

/* Bring it up to date, unless a fetch runs already. */
void clone_fetch(struct clone *clone);

bool clone_is_there(const struct clone *clone); /* One fetch at least went well. */
bool clone_is_fresh(const struct clone *clone); /* The last one within nixpkgs.max_age. */
bool clone_is_fetching(const struct clone *clone);
int64_t clone_fetching_since(const struct clone *clone); /* ms since 1970; 0: it is not. */
const char *clone_path(const struct clone *clone);
const char *clone_problem(const struct clone *clone); /* Of the last fetch; NULL: none. */
int64_t clone_fetched_at(const struct clone *clone);  /* ms since 1970; 0: never. */

/* Ask git something: begin the command line, add words to it, run it. `on_done` is as in
 * capture_spec. A negative code: nothing was started, it does not run. */
void clone_begin_git(const struct clone *clone, struct argv *argv);
int clone_ask_git(struct clone *clone, const struct argv *argv,
	void (*on_done)(void *owner, const char *message, const char *out), void *owner,
	struct err *err);

/* Have git fetch one commit by its full hash, from whatever branch; the same as asking. */
int clone_fetch_commit(struct clone *clone, const char *hash,
	void (*on_done)(void *owner, const char *message, const char *out), void *owner,
	struct err *err);

#endif
