/* Packages that can be built for some capabilities only, and what becomes of a job that asks one
 * for others. Pure. */
#ifndef CAPQ_LIB_SUPPORT_H
#define CAPQ_LIB_SUPPORT_H

#include <stdbool.h>

#include "lib/capability.h"
#include "lib/str.h"

/* What a job wants then. */
enum unsupported {
	UNSUPPORTED_FAIL,
	UNSUPPORTED_SKIP,    /* Leave them out; when none is left, build nothing. */
	UNSUPPORTED_CLOSEST, /* Build for what runs there best, by lib/compat.h. */
};
#define UNSUPPORTED_POLICIES (UNSUPPORTED_CLOSEST + 1)

const char *unsupported_name(enum unsupported policy); /* "fail", "skip", "closest" */
bool unsupported_from_name(const char *name, enum unsupported *out);

enum support_verdict {
	SUPPORT_ALL,     /* Nothing speaks against what was asked for. */
	SUPPORT_OTHER,   /* `built` is to be built in its place. */
	SUPPORT_SKIPPED, /* Nothing is to be built. */
	SUPPORT_REFUSED,
};

/* What becomes of a job for `asked` of a package that supports `supported` (which may be empty; its
 * PTX means nothing). A capability is supported when it stands there, suffix included. `built` is
 * set with SUPPORT_OTHER; `why` is appended to, unless it is SUPPORT_ALL.
 *
 * PTX counts as running only when it was asked for, and then only that of the newest capability of
 * `built`, as nixpkgs makes it. */
enum support_verdict support_choose(const struct capability_set *asked,
	const struct capability_set *supported, enum unsupported policy,
	struct capability_set *built, struct str *why);

#endif
