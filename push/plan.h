/* What a push has to do: the closure, what of it the cache lacks, and whether we may. */
#ifndef CAPQ_PUSH_PLAN_H
#define CAPQ_PUSH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "push/choice.h"
#include "push/compress.h"
#include "push/fail.h"
#include "push/path_info.h"

struct api;
struct order;
struct sign_key;
struct planning; /* Finding it out. Frees itself right after `on_done` returns. */

struct plan_sum {
	size_t n;
	uint64_t nar_bytes;
};

struct plan {
	struct path_infos infos;     /* Sorted; paths that Nix does not have are not valid. */
	bool *is_given, *is_missing; /* Of infos.items[i]. */
	enum choice *choices;        /* Likewise, of what is missing; else CHOICE_TAKE. */
	/* What is missing: to be pushed (CHOICE_TAKE), and left out. */
	struct plan_sum sums[CHOICES];
	/* How many of those to be pushed refer, perhaps through others, to what is left out and is
	 * in no upstream cache. */
	size_t n_incomplete;
	enum compress_method preferred; /* By the cache. */
};

struct plan_spec {
	const struct api *api;
	const struct sign_key *key; /* NULL: the server signs. */
	const char *launcher;       /* See io/child.h. */
	const char *const *paths;   /* Full store paths, one at least. Borrowed until the end, as
				     * all above. */
	size_t n_paths;
	bool is_shallow;                   /* Only the paths themselves. */
	bool is_dry_run;                   /* Change nothing at the cache. */
	const struct choice_rules *choice; /* What is left out. */

	/* Exactly once, later, from the loop. Unless `fail->class` is FAIL_NONE, `plan` is empty;
	 * else it may be taken: plan_free() then is the owner's. */
	void (*on_done)(void *owner, struct plan *plan, const struct fail *fail);
	void *owner;
};

/* Returns a negative code, `*out` untouched, when Nix cannot be started: no callback runs. */
int plan_start(const struct plan_spec *spec, struct planning **out, struct err *err);

/* End it as FAIL_STOPPED for the reason `why`. */
void plan_stop(struct planning *planning, const char *why);

/* Its paths in order: node i is infos.items[i]. The caller destroys it. */
struct order *plan_order(const struct plan *plan);

void plan_free(struct plan *plan);

#endif
