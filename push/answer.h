/* Reading what Cachix answers. Pure.
 *
 * Each reader fills `*out`, which its `_free` empties again, or returns CAPQ_EINVAL: the answer is
 * not what was asked for. Members that are not known are ignored. */
#ifndef CAPQ_PUSH_ANSWER_H
#define CAPQ_PUSH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/store_path.h"
#include "push/compress.h"

/* GET /cache/NAME */
struct answer_cache {
	bool may_write;                 /* Whoever asked may. */
	enum compress_method preferred; /* zstd when it says nothing that is known. */
	char **public_keys;             /* "NAME:BASE64" each. */
	size_t n_public_keys;
};
int answer_cache_read(const char *body, size_t len, struct answer_cache *out, struct err *err);
void answer_cache_free(struct answer_cache *answer);

/* POST .../narinfo: the hashes that are missing; sorted, each once. */
struct answer_missing {
	char (*hashes)[STORE_HASH_LEN + 1];
	size_t n;
};
int answer_missing_read(const char *body, size_t len, struct answer_missing *out, struct err *err);
void answer_missing_add(struct answer_missing *answer, const struct answer_missing *more);
/* `name` begins with the hash; a base name will do. */
bool answer_missing_has(const struct answer_missing *answer, const char *name);
void answer_missing_free(struct answer_missing *answer);

/* POST .../multipart-nar */
struct answer_create {
	char *nar_id;
	char *upload_id;
};
int answer_create_read(const char *body, size_t len, struct answer_create *out, struct err *err);
void answer_create_free(struct answer_create *answer);

/* POST .../multipart-nar/ID?...&partNumber=N: where the part goes, http or https. The caller frees
 * `*out`. */
int answer_presign_read(const char *body, size_t len, char **out, struct err *err);

#endif
