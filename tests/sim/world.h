/* The outside as far as capqd asks it: a store, a cache, and what building and pushing takes. A
 * scenario says which packages there are and what goes wrong; world_script() writes what each child
 * says to that. */
#ifndef CAPQ_TESTS_SIM_WORLD_H
#define CAPQ_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/child.h"
#include "tests/support/drv_case.h"

struct world_package {
	const char *name;  /* "torch-1", of the derivation; its attribute is "torch". */
	const char *needs; /* Names, separated by blanks. */
	int64_t takes_ms;  /* 0: a second. */
	enum drv_kind kind;
	/* What Nix says when it fails ("%s" is the derivation), and how often it does. */
	const char *error;
	int n_errors;
	int n_unknowns; /* How often Nix cannot say whether it is valid. */
};

/* Begin with an empty store that knows `packages`, up to the one without a name. */
void world_begin(const struct drv_case *drvs, const struct world_package *packages);

void world_fail_pushes(int n);         /* The next `n` fail. */
void world_take_cache_away(bool away); /* It does not answer. */
int world_most_pushes(void);           /* How many ran at once. */
void world_take_nix_away(bool away);   /* Its daemon cannot be reached. */
int world_n_evaluations(void);         /* How many evaluators were started, */
int world_most_evaluations(void);      /* and ran at once. */
int world_n_built(const char *name);   /* How often Nix built it. */
int world_most_checks(void); /* How many asked at once what is valid: as many plans ran. */

/* Write the script of a child that is being started; and hear that one is being stopped. */
void world_script(struct child *child);
void world_stops(struct child *child);

#endif
