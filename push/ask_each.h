/* Asking a plain HTTP cache which of many paths it lacks: one request a path, many at a time. */
#ifndef CAPQ_PUSH_ASK_EACH_H
#define CAPQ_PUSH_ASK_EACH_H

#include <stddef.h>

#include "lib/store_path.h"
#include "push/answer.h"
#include "push/fail.h"

struct api;
struct ask_each; /* Such questions under way. Frees itself right after `on_done` returns. */

/* Exactly once, later, from the loop: what is missing of `n` hashes, sorted as they were; unless
 * `fail->class` is FAIL_NONE. Both borrowed for the time of the callback. */
typedef void ask_each_done(
	void *owner, const struct answer_missing *missing, const struct fail *fail);

/* `hashes` are sorted, each once, one at least; borrowed until the end. */
struct ask_each *ask_each_start(const struct api *api, char (*hashes)[STORE_HASH_LEN + 1], size_t n,
	ask_each_done *on_done, void *owner);

/* End it, with FAIL_STOPPED unless it is done. */
void ask_each_stop(struct ask_each *asks);

#endif
