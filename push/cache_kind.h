/* The kinds of binary caches that a push can go to: one table of what is done at each. All but
 * these last steps is the same for all. */
#ifndef CAPQ_PUSH_CACHE_KIND_H
#define CAPQ_PUSH_CACHE_KIND_H

#include <stdbool.h>

#include "push/compress.h"

struct answer_cache;
struct answer_create;
struct api;
struct call;
struct call_end;
struct question_complete;
struct retry;

struct cache_kind {
	bool knows_keys; /* It says which signing keys it takes. */
	bool asks_each;  /* What it lacks is asked of each path: plain_has(), else api_missing(). */
	bool takes_files; /* A file goes there as one body; else in parts, in any order. */

	/* Is it there, may we, and what does it prefer? */
	struct call *(*find)(const struct api *api, struct answer_cache *answer,
		void (*on_done)(void *owner, const struct call_end *end), void *owner);

	/* It is not there (404): make it one. NULL: that is not for us to do. */
	struct call *(*make)(const struct api *api,
		void (*on_done)(void *owner, const struct call_end *end), void *owner);

	/* Begin the upload of a path, and give one up that is not completed. NULL: there is nothing
	 * to be done for it. */
	struct call *(*create)(const struct api *api, enum compress_method method,
		struct answer_create *answer,
		void (*on_done)(void *owner, const struct call_end *end), void *owner);
	struct call *(*abort)(const struct api *api, const struct answer_create *upload,
		void (*on_done)(void *owner, const struct call_end *end), void *owner);

	/* All bytes are there: make them a path of the cache. */
	struct call *(*complete)(const struct api *api, const struct answer_create *upload,
		const struct question_complete *question, struct retry *retry,
		void (*on_done)(void *owner, const struct call_end *end), void *owner);
};

extern const struct cache_kind cache_kind_cachix; /* api.h */
extern const struct cache_kind cache_kind_plain;  /* plain.h */

#endif
