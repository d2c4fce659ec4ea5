#include "lib/failure.h"

#include <stddef.h>
#include <string.h>

#define SECONDS(n) ((n)*INT64_C(1000))
#define MINUTES(n) SECONDS(INT64_C(60) * (n))

/* Tries and waits follow what the failure usually needs to go away: a package mirror or a builder
 * minutes, a full disk an administrator or a garbage collection, a cache's outage hours. A push is
 * the one thing worth being patient about: what it would cost to build again is lost otherwise. */
static const struct {
	const char *name;
	struct failure_policy policy;
} classes[FAILURE_CLASSES] = {
	[FAILURE_NONE] = { "", { 0 } },
	[FAILURE_EVALUATION] = { "evaluation", { .is_remembered = true } },
	[FAILURE_BUILD] = { "build", { .is_remembered = true } },
	[FAILURE_DEPENDENCY] = { "dependency", { 0 } },
	[FAILURE_TIMEOUT] = { "timeout", { 0 } },
	[FAILURE_SILENCE] = { "silence", { 0 } },
	[FAILURE_OUT_OF_MEMORY] = { "out of memory", { 1, MINUTES(5), 1, MINUTES(5), false } },
	[FAILURE_DISK_FULL] = { "disk full", { 6, MINUTES(2), 2, MINUTES(30), false } },
	[FAILURE_NETWORK] = { "network", { 4, SECONDS(20), 3, MINUTES(15), false } },
	[FAILURE_HASH_MISMATCH] = { "hash mismatch", { .is_remembered = true } },
	[FAILURE_WRONG_SYSTEM] = { "wrong system", { 0 } },
	[FAILURE_INTERRUPTED] = { "interrupted", { 5, SECONDS(1), 4, MINUTES(5), false } },
	[FAILURE_VERIFY] = { "verify", { .is_remembered = true } },
	[FAILURE_PUSH] = { "push", { 40, SECONDS(5), 2, MINUTES(30), false } },
	[FAILURE_UNSUPPORTED] = { "unsupported", { 0 } },
	[FAILURE_CANCELLED] = { "cancelled", { 0 } },
};

const char *failure_name(enum failure class)
{
	return classes[class].name;
}

bool failure_from_name(const char *name, enum failure *out)
{
	for (int i = 0; i < FAILURE_CLASSES; i++) {
		if (strcmp(name == NULL ? "" : name, classes[i].name) == 0) {
			*out = (enum failure)i;
			return true;
		}
	}
	return false;
}

const struct failure_policy *failure_policy(enum failure class)
{
	return &classes[class].policy;
}

int64_t failure_wait_ms(enum failure class, int tries)
{
	const struct failure_policy *policy = failure_policy(class);
	int64_t wait = policy->wait_ms;

	if (tries > policy->retries)
		return -1;
	for (int i = 1; i < tries && wait < policy->wait_max_ms; i++)
		wait *= policy->factor;
	return wait < policy->wait_max_ms ? wait : policy->wait_max_ms;
}
