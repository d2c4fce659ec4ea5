/* The bodies of what we ask Cachix, as JSON. Pure. */
#ifndef CAPQ_PUSH_QUESTION_H
#define CAPQ_PUSH_QUESTION_H

#include <stddef.h>
#include <stdint.h>

#include "lib/hash.h"
#include "lib/str.h"
#include "push/compress.h"

struct path_info;
struct pin_keep;

/* Which of these are missing? `hashes` are the first 32 characters behind the store directory. */
void question_missing(const char *const *hashes, size_t n, struct str *out);

/* Where does a part with this MD5 (base 64) go? */
void question_presign(const char *md5, struct str *out);

/* Pin `path`, in full, under `name`. */
void question_pin(const char *name, const char *path, const struct pin_keep *keep, struct str *out);

/* All parts are there: make them a path of the cache. Plain HTTP caches want a narinfo instead, see
 * narinfo.h, for which this holds some more. */
struct question_complete {
	const struct path_info *info;
	char *const
		*etags; /* As the object store gave them, quotes included; in the parts' order. */
	size_t n_parts;
	const unsigned char *file_hash; /* SHA256_LEN bytes: of the compressed NAR. */
	uint64_t file_size;
	const char *signature; /* Base 64; NULL when the server signs, or nobody. */

	const char *key_name;  /* Of `signature`; "" when the key has none. */
	const char *file_name; /* Of a plain HTTP cache; NULL elsewhere. */
	enum compress_method method;
};
void question_complete(const struct question_complete *question, struct str *out);

#endif
