/* Which of many paths does the cache lack? As many calls as that needs, one after another. */
#ifndef CAPQ_PUSH_MISSING_H
#define CAPQ_PUSH_MISSING_H

#include <stddef.h>

#include "push/answer.h"
#include "push/fail.h"

struct api;
struct missing; /* One such question. Frees itself right after `on_done` returns. */

/* The answer, exactly once, later, from the loop. `fail->class` is FAIL_NONE when it is one; then
 * `missing` says it. Both borrowed for the time of the callback. */
typedef void missing_done(
	void *owner, const struct answer_missing *missing, const struct fail *fail);

/* Ask for the `n` full paths at `paths`, one at least, in any order and even more than once; they
 * are copied. */
struct missing *missing_start(const struct api *api, const char *const *paths, size_t n,
	missing_done *on_done, void *owner);

/* End it: `on_done` runs with FAIL_STOPPED, unless an answer is there already. */
void missing_stop(struct missing *missing);

#endif
