/* The history of what Nix built, as it is asked for: of a package, and all of it for sums. What is
 * written stands in attempt.h. */
#ifndef CAPQ_DAEMON_STORE_HISTORY_H
#define CAPQ_DAEMON_STORE_HISTORY_H

#include "daemon/store/attempt.h"

/* A row; strings are borrowed. */
struct history_row {
	int64_t id, build_id;
	struct history_entry entry;
};

struct history_filter {
	const char *package, *system;
	const char *caps;  /* NULL: any. */
	int64_t before_id; /* Only ids below; 0: from the newest. */
	int limit;         /* How many at most. */
};

/* Calls `each` for each row, newest first, and returns the id to go on before, 0 at the end. It
 * looks at no more than HISTORY_SCAN_MAX rows, so it may return early with fewer than `limit`. */
#define HISTORY_SCAN_MAX 500
int64_t store_history_page(struct store *store, const struct history_filter *filter,
	void (*each)(void *owner, const struct history_row *row), void *owner);

/* The package that the newest build of a job with this attribute path builds. The caller frees;
 * NULL: there is none. */
char *store_package_of_attr(struct store *store, const char *attr);

/* True when something of that package was built, or tried. */
bool store_history_knows(struct store *store, const char *package);

#endif
