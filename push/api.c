#include "push/api.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "push/question.h"

#define MISSING_ANSWER_MAX (8u << 20) /* API_MISSING_MAX hashes in quotes, and room. */

/* ---- URLs ---- */

/* As RFC 3986 wants it in a path or a query: upload ids hold '+', '/' and '='. */
static void add_encoded(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			str_add_char(out, *text);
		else
			str_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

int api_cache_url(const char *host, const char *name, char **out, struct err *err)
{
	const char *rest = str_starts(host, "https://")  ? host + strlen("https://")
			   : str_starts(host, "http://") ? host + strlen("http://")
							 : "";
	struct str url = { 0 };

	if (rest[0] == '\0' || rest[0] == '/')
		return err_set(err, CAPQ_EINVAL, "'%s' is no http or https URL", host);
	for (const char *c = rest; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c) || strchr("?#@\"<>\\", *c) != NULL)
			return err_set(err, CAPQ_EINVAL,
				"'%s' is no host: give http or https, a name and perhaps a port "
				"and a path",
				host);
	str_add(&url, host);
	if (str_ends(host, "/"))
		url.len--;
	str_add(&url, "/api/v1/cache/");
	add_encoded(&url, name);
	*out = str_take(&url);
	return 0;
}

/* CACHE/multipart-nar/ID<action>?uploadId=U */
static void add_upload_url(struct str *out, const struct api *api,
	const struct answer_create *upload, const char *action)
{
	str_addf(out, "%s/multipart-nar/", api->cache_url);
	add_encoded(out, upload->nar_id);
	str_addf(out, "%s?uploadId=", action);
	add_encoded(out, upload->upload_id);
}

/* ---- readers, in the shape that call.h wants ---- */

static int read_cache(void *answer, const char *body, size_t len, struct err *err)
{
	return answer_cache_read(body, len, answer, err);
}

static int read_missing(void *answer, const char *body, size_t len, struct err *err)
{
	return answer_missing_read(body, len, answer, err);
}

static int read_create(void *answer, const char *body, size_t len, struct err *err)
{
	return answer_create_read(body, len, answer, err);
}

static int read_presign(void *answer, const char *body, size_t len, struct err *err)
{
	return answer_presign_read(body, len, answer, err);
}

/* ---- the calls ---- */

struct call *api_cache(
	const struct api *api, struct answer_cache *answer, api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_CACHE,
		.method = "GET",
		.url = xstrdup(api->cache_url),
		.read = read_cache,
		.answer = answer,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

struct call *api_missing(const struct api *api, const char *const *hashes, size_t n,
	struct answer_missing *answer, api_done *on_done, void *owner)
{
	struct str json = { 0 };
	struct call_spec spec = {
		.kind = RETRY_MISSING,
		.method = "POST",
		.url = str_format("%s/narinfo", api->cache_url),
		.max_answer = MISSING_ANSWER_MAX,
		.read = read_missing,
		.answer = answer,
		.on_done = on_done,
		.owner = owner,
	};

	question_missing(hashes, n, &json);
	spec.json = str_take(&json);
	return call_start(api, &spec);
}

struct call *api_create(const struct api *api, enum compress_method method,
	struct answer_create *answer, api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_CREATE,
		.method = "POST",
		.url = str_format("%s/multipart-nar?compression=%s", api->cache_url,
			compress_names(method)->suffix),
		.read = read_create,
		.answer = answer,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

struct call *api_presign(const struct api *api, const struct answer_create *upload, size_t number,
	const char *md5, char **answer, api_done *on_done, void *owner)
{
	struct str url = { 0 }, json = { 0 };
	struct call_spec spec = {
		.kind = RETRY_PRESIGN,
		.method = "POST",
		.read = read_presign,
		.answer = answer,
		.on_done = on_done,
		.owner = owner,
	};

	add_upload_url(&url, api, upload, "");
	str_addf(&url, "&partNumber=%zu", number);
	question_presign(md5, &json);
	spec.url = str_take(&url);
	spec.json = str_take(&json);
	return call_start(api, &spec);
}

struct call *api_put(const struct api *api, const char *url, const void *bytes, size_t len,
	const char *md5, struct retry *retry, api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_PUT,
		.method = "PUT",
		.url = xstrdup(url),
		.type = "Content-Type: application/octet-stream",
		.bytes = bytes,
		.bytes_len = len,
		.md5 = md5,
		.wants_etag = true,
		.retry = retry,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

struct call *api_complete(const struct api *api, const struct answer_create *upload,
	const struct question_complete *question, struct retry *retry, api_done *on_done,
	void *owner)
{
	struct str url = { 0 }, json = { 0 };
	struct call_spec spec = {
		.kind = RETRY_COMPLETE,
		.method = "POST",
		.retry = retry,
		.on_done = on_done,
		.owner = owner,
	};

	add_upload_url(&url, api, upload, "/complete");
	question_complete(question, &json);
	spec.url = str_take(&url);
	spec.json = str_take(&json);
	return call_start(api, &spec);
}

struct call *api_abort(
	const struct api *api, const struct answer_create *upload, api_done *on_done, void *owner)
{
	struct str url = { 0 };
	struct call_spec spec = {
		.kind = RETRY_ABORT,
		.method = "POST",
		.on_done = on_done,
		.owner = owner,
	};

	add_upload_url(&url, api, upload, "/abort");
	spec.url = str_take(&url);
	return call_start(api, &spec);
}

struct call *api_pin(const struct api *api, const char *name, const char *path,
	const struct pin_keep *keep, api_done *on_done, void *owner)
{
	struct str json = { 0 };
	struct call_spec spec = {
		.kind = RETRY_PIN,
		.method = "POST",
		.url = str_format("%s/pin", api->cache_url),
		.on_done = on_done,
		.owner = owner,
	};

	question_pin(name, path, keep, &json);
	spec.json = str_take(&json);
	return call_start(api, &spec);
}
