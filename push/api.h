/* Cachix's API as far as a push needs it: one function a call.
 *
 * Each starts a call (call.h) whose answer is read into `answer`, which must stay until `on_done`
 * and then belongs to the caller. */
#ifndef CAPQ_PUSH_API_H
#define CAPQ_PUSH_API_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/str.h"
#include "push/answer.h"
#include "push/call.h"

struct cache_kind;
struct http;
struct pin_keep;
struct question_complete;
struct secrets;

/* One cache, of whichever kind. Borrows all of it. */
struct api {
	uv_loop_t *loop;
	struct http *http;
	const struct secrets *secrets;
	const struct cache_kind *kind;
	const char *cache_url; /* From api_cache_url() or plain_url(). */
	int64_t retry_for_ms;  /* How long a call may wait between its tries, in all. */
	int64_t patience_ms;   /* How long a server may be silent; see retry_stall_ms(). */
};

/* "HOST/api/v1/cache/NAME" of `host`, a URL with http or https and perhaps a path. CAPQ_EINVAL: it
 * is none, or has parts that do not belong there. The caller frees `*out`. */
int api_cache_url(const char *host, const char *name, char **out, struct err *err);

typedef void api_done(void *owner, const struct call_end *end);

/* May we, and how does it want to be compressed? */
struct call *api_cache(
	const struct api *api, struct answer_cache *answer, api_done *on_done, void *owner);

/* Which of `n` hashes (at most API_MISSING_MAX, each once) are missing? Copied. */
#define API_MISSING_MAX 32768
struct call *api_missing(const struct api *api, const char *const *hashes, size_t n,
	struct answer_missing *answer, api_done *on_done, void *owner);

struct call *api_create(const struct api *api, enum compress_method method,
	struct answer_create *answer, api_done *on_done, void *owner);

/* Where does part `number` (from 1) of `upload` go? */
struct call *api_presign(const struct api *api, const struct answer_create *upload, size_t number,
	const char *md5, char **answer, api_done *on_done, void *owner);

/* Send `len` bytes there. May end with CALL_RENEW: ask again where they go. `retry` counts on. */
struct call *api_put(const struct api *api, const char *url, const void *bytes, size_t len,
	const char *md5, struct retry *retry, api_done *on_done, void *owner);

/* May end with CALL_RENEW: see first whether the path is there by now. `retry` counts on. */
struct call *api_complete(const struct api *api, const struct answer_create *upload,
	const struct question_complete *question, struct retry *retry, api_done *on_done,
	void *owner);

/* Pin the full store path `path` under `name`. */
struct call *api_pin(const struct api *api, const char *name, const char *path,
	const struct pin_keep *keep, api_done *on_done, void *owner);

struct call *api_abort(
	const struct api *api, const struct answer_create *upload, api_done *on_done, void *owner);

#endif
