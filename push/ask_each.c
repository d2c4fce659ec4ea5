#include "push/ask_each.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "push/api.h"
#include "push/plain.h"

#define AT_A_TIME 32

/* One question; its turn is over when `call` is NULL again. */
struct ask {
	struct ask_each *asks;
	struct call *call;
	size_t number; /* Of the hash. */
};

struct ask_each {
	const struct api *api;
	char (*hashes)[STORE_HASH_LEN + 1];
	bool *is_missing; /* Of each. */
	size_t n, next;   /* Those before `next` were asked for. */
	struct ask running[AT_A_TIME];
	size_t n_running;
	struct fail fail;
	ask_each_done *on_done;
	void *owner;
};

static void finish(struct ask_each *asks)
{
	struct answer_missing missing = { 0 };

	missing.hashes = xcalloc(asks->n, sizeof *missing.hashes);
	for (size_t i = 0; i < asks->n; i++)
		if (asks->is_missing[i])
			memcpy(missing.hashes[missing.n++], asks->hashes[i],
				sizeof *missing.hashes);
	asks->on_done(asks->owner, &missing, &asks->fail);
	answer_missing_free(&missing);
	free(asks->is_missing);
	free(asks);
}

static void stop_all(struct ask_each *asks)
{
	for (size_t i = 0; i < AT_A_TIME; i++)
		if (asks->running[i].call != NULL)
			call_stop(asks->running[i].call);
}

static void ask_next(struct ask *ask);

static void on_answer(void *owner, const struct call_end *end)
{
	struct ask *ask = owner;
	struct ask_each *asks = ask->asks;

	ask->call = NULL;
	asks->n_running--;
	if (plain_is_absent(end)) {
		asks->is_missing[ask->number] = true;
	} else if (end->outcome == CALL_FAILED) {
		fail_set(&asks->fail, end->fail.class, "%s", end->fail.err.text);
		stop_all(asks);
	}
	if (asks->fail.class == FAIL_NONE && asks->next < asks->n)
		ask_next(ask);
	if (asks->n_running == 0)
		finish(asks);
}

static void ask_next(struct ask *ask)
{
	struct ask_each *asks = ask->asks;

	ask->number = asks->next++;
	asks->n_running++;
	ask->call = plain_has(asks->api, asks->hashes[ask->number], on_answer, ask);
}

struct ask_each *ask_each_start(const struct api *api, char (*hashes)[STORE_HASH_LEN + 1], size_t n,
	ask_each_done *on_done, void *owner)
{
	struct ask_each *asks = xcalloc(1, sizeof *asks);

	asks->api = api;
	asks->hashes = hashes;
	asks->n = n;
	asks->is_missing = xcalloc(n, sizeof *asks->is_missing);
	asks->on_done = on_done;
	asks->owner = owner;
	for (size_t i = 0; i < AT_A_TIME; i++)
		asks->running[i].asks = asks;
	for (size_t i = 0; i < AT_A_TIME && i < n; i++)
		ask_next(&asks->running[i]);
	return asks;
}

void ask_each_stop(struct ask_each *asks)
{
	fail_set(&asks->fail, FAIL_STOPPED, "stopped");
	stop_all(asks);
}
