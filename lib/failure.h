/* Why something failed, and what follows from that. Pure.
 *
 * Every failure of a job or of a build has one class. What capq does about a class stands in one
 * table, failure.c; nothing else in the program asks "is this worth another try?". */
#ifndef CAPQ_LIB_FAILURE_H
#define CAPQ_LIB_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

enum failure {
	FAILURE_NONE,
	FAILURE_EVALUATION,    /* Nix could not evaluate the attribute. */
	FAILURE_BUILD,         /* The builder said no, or made no output. */
	FAILURE_DEPENDENCY,    /* A derivation that it needs failed. */
	FAILURE_TIMEOUT,       /* It took longer than it may. */
	FAILURE_SILENCE,       /* It printed nothing for longer than it may. */
	FAILURE_OUT_OF_MEMORY, /* Killed for want of memory, or by capq for taking too much. */
	FAILURE_DISK_FULL,     /* The store or the build directory was full. */
	FAILURE_NETWORK,       /* A download failed, or another machine went away. */
	FAILURE_HASH_MISMATCH, /* A download is not what the package says it is. */
	FAILURE_WRONG_SYSTEM,  /* No builder has the system or the features it needs. */
	FAILURE_INTERRUPTED,   /* Nix died under it: killed, its daemon gone, an input collected. */
	FAILURE_VERIFY,        /* The outputs lack the GPU code that was asked for. */
	FAILURE_PUSH,          /* Built, but not in the cache. */
	FAILURE_UNSUPPORTED,   /* The revision, or the package, cannot be built for the set. */
	FAILURE_CANCELLED,     /* Somebody, or the lack of anybody who needs it, ended it. */
};
#define FAILURE_CLASSES (FAILURE_CANCELLED + 1)

struct failure_policy {
	/* How often it is tried again by itself, and how long after the first failure; each later
	 * wait is `factor` times the one before, up to `wait_max_ms`. */
	int retries;
	int64_t wait_ms;
	int factor;
	int64_t wait_max_ms;
	/* A derivation that failed so fails so again: jobs that need it later fail at once and name
	 * it, until `capq retry` forgets it. */
	bool is_remembered;
};

/* "out of memory", "push", ... as stored, shown and written in JSON; "" for FAILURE_NONE. */
const char *failure_name(enum failure class);

/* The class called `name`; FAILURE_NONE for "" and NULL. False when there is no such class. */
bool failure_from_name(const char *name, enum failure *out);

const struct failure_policy *failure_policy(enum failure class);

/* How long to wait before the next try when `tries` have failed with `class` so far (1 or more);
 * -1 when it is final. */
int64_t failure_wait_ms(enum failure class, int tries);

#endif
