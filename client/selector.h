/* How a command line names a job: by its id, or by what it is.
 *
 *   17        python3Packages.torch        python3Packages.torch@8.6        torch@8.0,8.6+PTX#1a2b
 *
 * The capability set and the revision may be left out, and the revision abbreviated to 4 digits,
 * as long as only one job fits. Blanks around '@' and '#' are taken, so that what capq prints can
 * be pasted. Pure. */
#ifndef CAPQ_CLIENT_SELECTOR_H
#define CAPQ_CLIENT_SELECTOR_H

#include <stdint.h>

#include "lib/attr_path.h"
#include "lib/capability.h"

#define SELECTOR_REV_MAX 71 /* "sha256:" and 64 characters: more than any hash has. */

struct selector {
	int64_t id;                         /* 0: by what it is. */
	char attr[2 * ATTR_PATH_TEXT_MAX];  /* Canonical. */
	char caps[CAPABILITY_SET_TEXT_MAX]; /* Canonical; "": any. */
	char rev[SELECTOR_REV_MAX + 1];     /* "": any. */
};

/* Read `text`. CAPQ_EINVAL says which part is wrong. */
int selector_parse(const char *text, struct selector *out, struct err *err);

/* A revision as the API takes it to find jobs: 4 to 40 hexadecimal digits of a commit, or "sha256:"
 * and the beginning of a tree's hash in Nix's base 32. CAPQ_EINVAL otherwise. */
int selector_check_rev(const char *text, struct err *err);

#endif
