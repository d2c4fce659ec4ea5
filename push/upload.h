/* Bringing one store path into the cache: pack it, send its parts, complete it; or leave nothing
 * behind. */
#ifndef CAPQ_PUSH_UPLOAD_H
#define CAPQ_PUSH_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "push/fail.h"

struct path_info;
struct shop;
struct upload; /* One path on its way. Frees itself right after `on_done` returns. */

enum upload_outcome {
	UPLOAD_DONE,
	UPLOAD_UNNEEDED, /* The cache had it when we asked once more. */
	UPLOAD_FAILED,
};

/* How an upload ended; borrowed, for the time of the callback. */
struct upload_end {
	enum upload_outcome outcome;
	struct fail fail; /* With UPLOAD_FAILED: why. */
	uint64_t nar_bytes, file_bytes;
};

struct upload_spec {
	const struct path_info *info; /* Borrowed until the end. */
	bool asks_first;              /* Ask once more whether the cache lacks it. */
	bool is_free;                 /* It may be completed; else see upload_release(). */

	/* At most once, from the loop: all is sent, and upload_release() is waited for. */
	void (*on_waiting)(void *owner);

	/* Exactly once, later, from the loop; the budget has its memory back. */
	void (*on_done)(void *owner, const struct upload_end *end);
	void *owner;
};

/* Start. NULL: the budget has no room for it now; try again when another upload has ended. */
struct upload *upload_start(const struct shop *shop, const struct upload_spec *spec);

/* All that the path refers to is in the cache: it may be completed. */
void upload_release(struct upload *upload);

/* Give it up because of `why`: `on_done` runs when the cache was told, or after some seconds. */
void upload_stop(struct upload *upload, const struct fail *why);

/* How far it is: bytes of the NAR that were read, bytes of the file that were sent. */
void upload_progress(const struct upload *upload, uint64_t *out_nar, uint64_t *out_file);

#endif
