/* Uploads that a killed run has left open at the cache, given up: what the journals say (journal.h)
 * whose owners are dead.
 *
 * The journal of a process that lives is locked, that of another cache is for who pushes there, and
 * what is no journal is nobody's: they stay as they are. While we are at a journal we hold its
 * lock, so that two runs never share one. It is removed when the cache has heard of all its
 * uploads; until then, the next run tries again. */
#ifndef CAPQ_PUSH_LEFTOVERS_H
#define CAPQ_PUSH_LEFTOVERS_H

#include <stddef.h>

struct api;
struct leftovers; /* Giving up under way. Frees itself right after `on_done` returns. */

/* Begin with what is in `directory`. NULL: nothing was left, and `on_done` does not run. Else it
 * does, exactly once, later, from the loop. It takes some seconds at most: a cache that does not
 * hear of one upload is not told of the others. */
struct leftovers *leftovers_start(
	const struct api *api, const char *directory, void (*on_done)(void *owner), void *owner);

/* End soon. */
void leftovers_stop(struct leftovers *leftovers);

#endif
