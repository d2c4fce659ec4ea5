/* Push: the outputs of builds, with their closures, into the cache, by capq-push. */
#ifndef CAPQ_DAEMON_PIPELINE_PUSH_H
#define CAPQ_DAEMON_PIPELINE_PUSH_H

#include "daemon/pipeline/nix.h"

struct push; /* One capq-push. Frees itself right after `on_done` returns. */

/* What became of one build's outputs. */
struct push_result {
	bool ok;             /* Their closures are in the cache. */
	int64_t bytes;       /* Compressed bytes uploaded for its own outputs. */
	const char *message; /* Why not; NULL when ok. */
};

struct push_build {
	int64_t build_id;
	const char *outputs; /* A JSON object, output -> store path. */
};

struct push_spec {
	const struct push_build *builds; /* Copied. */
	size_t n;
	const char *lock_dir; /* Where capq-push locks the paths that it is at. */

	/* Bytes uploaded so far for build `i`; now and then. May be NULL. */
	void (*on_progress)(void *owner, int64_t build_id, int64_t bytes);
	/* The end: a result for each build, in order; borrowed for the call. Once, later.
	 * `is_outage`: the cache did not answer at all, which says nothing about the builds. */
	void (*on_done)(void *owner, const int64_t *build_ids, const struct push_result *results,
		size_t n, bool is_outage);
	void *owner;
};

/* The beginning of every command line of capq-push, and its environment. */
void push_argv(const struct nix *nix, const char *capq_push, struct argv *out);
void push_environment(const struct nix *nix, struct argv *out);

/* Start. Returns 0 and sets `*out`, or a negative code: no callback runs. */
int push_start(struct nix *nix, const char *capq_push, const struct push_spec *spec,
	struct push **out, struct err *err);
void push_stop(struct push *push);

#endif
