/* Hashes are asked for once each: the service answers wrongly when one comes twice
 * (cachix/cachix#625). A batch that is too large for it (413) is cut in halves. */
#include "push/missing.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/api.h"
#include "push/ask_each.h"
#include "push/cache_kind.h"

struct missing {
	const struct api *api;
	missing_done *on_done;
	void *owner;
	struct call *call; /* One of these is always under way; the other NULL. */
	struct ask_each *asks;

	char (*hashes)[STORE_HASH_LEN + 1]; /* Sorted, each once. */
	size_t n, first, batch;             /* `batch` of them from `first` on are asked for. */
	size_t batch_max;
	bool stop_wanted; /* A call may have ended well before it could be stopped. */

	struct answer_missing answer; /* Of the call. */
	struct answer_missing all;
};

static void ask(struct missing *missing);

static void finish(struct missing *missing, const struct fail *fail)
{
	missing->on_done(missing->owner, &missing->all, fail);
	answer_missing_free(&missing->answer);
	answer_missing_free(&missing->all);
	free(missing->hashes);
	free(missing);
}

static void on_asked_each(void *owner, const struct answer_missing *answer, const struct fail *fail)
{
	struct missing *missing = owner;

	answer_missing_add(&missing->all, answer);
	finish(missing, fail);
}

static void on_answer(void *owner, const struct call_end *end)
{
	struct missing *missing = owner;
	struct fail fail = end->fail;

	if (end->outcome == CALL_OK) {
		answer_missing_add(&missing->all, &missing->answer);
		answer_missing_free(&missing->answer);
		missing->first += missing->batch;
	} else if (end->status == 413 && missing->batch > 1) {
		fail = (struct fail){ 0 };
		missing->batch_max = missing->batch / 2;
	} else {
		fail_set(&fail, FAIL_STOPPED, "stopped"); /* Unless the call has a better reason. */
		finish(missing, &fail);
		return;
	}
	if (missing->first == missing->n) {
		finish(missing, &fail);
	} else if (missing->stop_wanted) {
		fail_set(&fail, FAIL_STOPPED, "stopped");
		finish(missing, &fail);
	} else {
		ask(missing);
	}
}

static void ask(struct missing *missing)
{
	size_t left = missing->n - missing->first;
	cleanup_free const char **hashes = NULL;

	missing->batch = left < missing->batch_max ? left : missing->batch_max;
	hashes = xcalloc(missing->batch, sizeof *hashes);
	for (size_t i = 0; i < missing->batch; i++)
		hashes[i] = missing->hashes[missing->first + i];
	missing->call = api_missing(
		missing->api, hashes, missing->batch, &missing->answer, on_answer, missing);
}

static int compare_hashes(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct missing *missing_start(const struct api *api, const char *const *paths, size_t n,
	missing_done *on_done, void *owner)
{
	struct missing *missing = xcalloc(1, sizeof *missing);

	missing->api = api;
	missing->on_done = on_done;
	missing->owner = owner;
	missing->batch_max = API_MISSING_MAX;
	missing->hashes = xcalloc(n, sizeof *missing->hashes);
	for (size_t i = 0; i < n; i++)
		memcpy(missing->hashes[i], store_path_base(paths[i]), STORE_HASH_LEN);
	array_sort(missing->hashes, n, sizeof *missing->hashes, compare_hashes);
	missing->n = array_unique(missing->hashes, n, sizeof *missing->hashes, compare_hashes);
	if (api->kind->asks_each)
		missing->asks =
			ask_each_start(api, missing->hashes, missing->n, on_asked_each, missing);
	else
		ask(missing);
	return missing;
}

void missing_stop(struct missing *missing)
{
	missing->stop_wanted = true;
	if (missing->asks != NULL)
		ask_each_stop(missing->asks);
	else
		call_stop(missing->call);
}
