/* Capability sets as traces write them, made canonical. */
#ifndef CAPQ_SIM_CAPS_H
#define CAPQ_SIM_CAPS_H

#include <stddef.h>

#include "lib/str_map.h"

/* Every spelling that was seen, with its canonical text. Zero-initialise it. */
struct caps {
	struct str_map index; /* From the spelling. */
	struct caps_entry {
		char *set;
		unsigned n_caps;
	} * entries;
	size_t n, capacity;
};

/* "7.0+8.6", "8.6,7.0" and "7.0,8.6" are the set 7.0,8.6; "any" and "" are none. What is no set of
 * capabilities is kept as it is, its parts counted, so that traces of other things can be played.
 * `spelling` is borrowed as long as `caps` lives, the answer until the next call. */
const struct caps_entry *caps_find(struct caps *caps, const char *spelling);

/* Hand the texts over: the caller frees them and the array. */
char **caps_take_sets(struct caps *caps, size_t *out_n);
void caps_finish(struct caps *caps);

#endif
