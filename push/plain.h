/* A plain HTTP binary cache, any server that keeps what is PUT: what `nix copy --to http://...`
 * speaks.
 *
 *   nix-cache-info     "StoreDir: /nix/store" and perhaps more: it is a cache
 *   nar/FILE           a compressed NAR, see plain_file_name()
 *   HASH.narinfo       what a store path is; its being there says that the path is (narinfo.h)
 *
 * Each function but the last two starts a call (call.h), as those of api.h do; `api->cache_url` is
 * the cache's URL. */
#ifndef CAPQ_PUSH_PLAIN_H
#define CAPQ_PUSH_PLAIN_H

#include "push/api.h"
#include "push/compress.h"

struct path_info;

/* Is it a cache, and one for our store? Answered 404: there is none yet. */
struct call *plain_find(
	const struct api *api, struct answer_cache *answer, api_done *on_done, void *owner);
struct call *plain_make(const struct api *api, api_done *on_done, void *owner);

/* Is the path there whose hash begins `hash`? CALL_OK: yes; see plain_is_absent() else. */
struct call *plain_has(const struct api *api, const char *hash, api_done *on_done, void *owner);
bool plain_is_absent(const struct call_end *end);

/* Put a file of `len` bytes to `name`, which is relative to the cache. */
struct call *plain_put(const struct api *api, const char *name, const void *bytes, size_t len,
	api_done *on_done, void *owner);

/* The same for a file whose bytes come later, from `on_pull` (http.h). May end with CALL_RENEW: all
 * bytes are wanted anew. `retry` counts on. */
struct call *plain_put_pulled(const struct api *api, const char *name,
	size_t (*on_pull)(void *owner, char *buf, size_t size), struct retry *retry,
	api_done *on_done, void *owner);

/* Put the narinfo of `question`, whose file is there. `upload` and `retry` are not used. */
struct call *plain_complete(const struct api *api, const struct answer_create *upload,
	const struct question_complete *question, struct retry *retry, api_done *on_done,
	void *owner);

/* The URL of a cache as given, without a slash at its end. CAPQ_EINVAL: it is no http or https URL,
 * or has parts that do not belong there. The caller frees `*out`. */
int plain_url(const char *text, char **out, struct err *err);

/* The name of the file that holds `info`: "nar/FILEHASH.nar.zst" when the hash of the file is known
 * already, else (NULL) "nar/STOREHASH-NARHASH.nar.zst". The caller frees. */
char *plain_file_name(
	const struct path_info *info, const unsigned char *file_hash, enum compress_method method);

#endif
