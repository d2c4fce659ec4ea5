/* Pins: names of the cache for a store path that keep it, and all that it refers to, from being
 * collected. Pinning another path under the same name makes that its newest revision. */
#ifndef CAPQ_PUSH_PIN_H
#define CAPQ_PUSH_PIN_H

#include <stdint.h>

/* How long the cache keeps what is pinned. */
enum pin_rule {
	PIN_DEFAULT, /* As the service likes: every revision, at the time of writing. */
	PIN_DAYS,
	PIN_REVISIONS,
	PIN_FOREVER,
};

struct pin_keep {
	enum pin_rule rule;
	int64_t n; /* Days or revisions, 1 or more. */
};

#endif
