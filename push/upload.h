/* Bringing one store path into the cache: pack it, send its parts, complete it; or leave nothing
 * behind. */
#ifndef CAPQ_PUSH_UPLOAD_H
#define CAPQ_PUSH_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "push/compress.h"
#include "push/fail.h"

struct api;
struct budget;
struct path_info;
struct sign_key;
struct upload; /* One path on its way. Frees itself right after `on_done` returns. */

/* What all uploads have in common; borrowed. */
struct upload_shop {
	uv_loop_t *loop;
	const struct api *api;
	struct budget *budget;
	const struct sign_key *key; /* NULL: the server signs. */
	enum compress_method method;
	int level;
};

enum upload_outcome {
	UPLOAD_DONE,
	UPLOAD_UNNEEDED, /* The cache had it when we asked once more. */
	UPLOAD_FAILED,
};

struct upload_spec {
	const struct path_info *info; /* Borrowed until the end. */
	bool asks_first;              /* Ask once more whether the cache lacks it. */

	/* Exactly once, later, from the loop. `fail` says why, with UPLOAD_FAILED. */
	void (*on_done)(void *owner, enum upload_outcome outcome, const struct fail *fail);
	void *owner;
};

/* Start. NULL: the budget has no room for it now; try again when another upload has ended. */
struct upload *upload_start(const struct upload_shop *shop, const struct upload_spec *spec);

/* Give it up because of `why`: `on_done` runs when the cache was told, or after some seconds. */
void upload_stop(struct upload *upload, const struct fail *why);

/* How far it is: bytes of the NAR that were read, bytes of the file that were sent. */
void upload_progress(const struct upload *upload, uint64_t *out_nar, uint64_t *out_file);

#endif
