/* Why a path is not in the cache. Pure. */
#ifndef CAPQ_PUSH_FAIL_H
#define CAPQ_PUSH_FAIL_H

#include "lib/err.h"

enum fail_class {
	FAIL_NONE,
	FAIL_NETWORK,   /* The cache could not be reached, or did not get better. */
	FAIL_DENIED,    /* It does not let us; nothing else will be let in either. */
	FAIL_REFUSED,   /* It does not want this path. */
	FAIL_CHANGED,   /* The path is not what Nix has registered. */
	FAIL_REFERENCE, /* A path that it refers to failed. */
	FAIL_STORE,     /* Nix does not have it, or it cannot be read. */
	FAIL_STOPPED,   /* By a signal or the time limit. */
};

struct fail {
	enum fail_class class;
	struct err err; /* The message; its code means nothing here. */
};

/* "network", "denied", ... */
const char *fail_name(enum fail_class class);

/* Note why, unless a reason is noted already: the first one counts. */
void fail_set(struct fail *fail, enum fail_class class, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
