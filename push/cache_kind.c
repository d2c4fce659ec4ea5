#include "push/cache_kind.h"

#include "push/api.h"
#include "push/plain.h"

const struct cache_kind cache_kind_cachix = {
	.knows_keys = true,
	.find = api_cache,
	.create = api_create,
	.abort = api_abort,
	.complete = api_complete,
};

/* A file without a narinfo is nothing to anybody, so there is nothing to create or to abort. */
const struct cache_kind cache_kind_plain = {
	.asks_each = true,
	.takes_files = true,
	.find = plain_find,
	.make = plain_make,
	.complete = plain_complete,
};
