/* Sending one part of an upload: ask where it goes, put it there, keep the ETag. At a plain HTTP
 * cache the only part is the file, whose name says where it goes. */
#ifndef CAPQ_PUSH_PART_H
#define CAPQ_PUSH_PART_H

#include <stddef.h>

#include "push/fail.h"

struct answer_create;
struct api;
struct part; /* One part on its way. Frees itself right after `on_done` returns. */

struct part_spec {
	const char *file_name;              /* See plain_put(). NULL: */
	const struct answer_create *upload; /* Borrowed until the end, as all here. */
	size_t number;                      /* From 1. */
	const unsigned char *bytes;
	size_t len;
	const char *md5; /* Base 64. */

	/* Exactly once, later, from the loop. `etag` is the part's, quotes included (a file may
	 * have none: ""), or NULL: then `fail` says why. Both borrowed for the time of the
	 * callback. */
	void (*on_done)(void *owner, const char *etag, const struct fail *fail);
	void *owner;
};

struct part *part_start(const struct api *api, const struct part_spec *spec);

/* End it soon, with FAIL_STOPPED unless it is sent already. What was lent is not used any more when
 * this returns. */
void part_stop(struct part *part);

#endif
