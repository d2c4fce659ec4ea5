#include "push/plain.h"

#include <ctype.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "push/narinfo.h"
#include "push/path_info.h"
#include "push/question.h"

#define NARINFO_MAX (4u << 20) /* A path may have thousands of references. */

#define TYPE_INFO "Content-Type: text/x-nix-cache-info"
#define TYPE_NARINFO "Content-Type: text/x-nix-narinfo"
#define TYPE_NAR "Content-Type: application/x-nix-nar"

int plain_url(const char *text, char **out, struct err *err)
{
	const char *rest = str_starts(text, "https://")  ? text + strlen("https://")
			   : str_starts(text, "http://") ? text + strlen("http://")
							 : "";
	size_t len = strlen(text);

	if (rest[0] == '\0' || rest[0] == '/')
		return err_set(err, CAPQ_EINVAL, "--to '%s' is no http or https URL", text);
	for (const char *c = rest; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c) || strchr("?#@\"<>\\", *c) != NULL)
			return err_set(err, CAPQ_EINVAL,
				"--to '%s': give http or https, a name and perhaps a port and a "
				"path; a password goes into a netrc file",
				text);
	while (text[len - 1] == '/')
		len--;
	*out = xstrndup(text, len);
	return 0;
}

char *plain_file_name(
	const struct path_info *info, const unsigned char *file_hash, enum compress_method method)
{
	const char *suffix = compress_names(method)->suffix;
	char hash[NIX32_LEN(SHA256_LEN) + 1];

	nix32_encode(file_hash == NULL ? info->nar_hash : file_hash, SHA256_LEN, hash);
	if (file_hash != NULL)
		return str_format("nar/%s.nar.%s", hash, suffix);
	return str_format(
		"nar/%.*s-%s.nar.%s", STORE_HASH_LEN, store_path_base(info->path), hash, suffix);
}

/* ---- the cache ---- */

/* "Name: value" on a line of its own; NULL: there is none. The caller frees. */
static char *find_line(const char *text, const char *name)
{
	for (const char *line = text; *line != '\0';
		line += strcspn(line, "\n"), line += *line == '\n')
		if (str_starts(line, name))
			return xstrndup(line + strlen(name), strcspn(line + strlen(name), "\r\n"));
	return NULL;
}

static int read_info(void *answer, const char *body, size_t len, struct err *err)
{
	struct answer_cache *cache = answer;
	cleanup_free char *text = xstrndup(body, len);
	cleanup_free char *store = find_line(text, "StoreDir: ");

	if (store == NULL)
		return err_set(err, CAPQ_EINVAL, "it is no binary cache: it has no StoreDir");
	if (strcmp(store, STORE_DIR) != 0)
		return err_set(err, CAPQ_EINVAL, "it is for the store %s, not " STORE_DIR, store);
	cache->may_write = true; /* As far as it is known. */
	cache->preferred = COMPRESS_ZSTD;
	return 0;
}

struct call *plain_find(
	const struct api *api, struct answer_cache *answer, api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_CACHE,
		.method = "GET",
		.url = str_format("%s/nix-cache-info", api->cache_url),
		.read = read_info,
		.answer = answer,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

struct call *plain_make(const struct api *api, api_done *on_done, void *owner)
{
	static const char info[] = "StoreDir: " STORE_DIR "\n";
	struct call_spec spec = {
		.kind = RETRY_MAKE,
		.method = "PUT",
		.url = str_format("%s/nix-cache-info", api->cache_url),
		.type = TYPE_INFO,
		.bytes = info,
		.bytes_len = sizeof info - 1,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

/* ---- paths ---- */

struct call *plain_has(const struct api *api, const char *hash, api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_MISSING,
		.method = "GET", /* As Nix does: not every server knows HEAD. */
		.url = str_format("%s/%.*s.narinfo", api->cache_url, STORE_HASH_LEN, hash),
		.max_answer = NARINFO_MAX,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

/* 403 is what S3 answers whoever may not list a bucket; Nix takes it so, too. */
bool plain_is_absent(const struct call_end *end)
{
	return end->outcome == CALL_FAILED &&
	       (end->status == 403 || end->status == 404 || end->status == 410);
}

struct call *plain_put(const struct api *api, const char *name, const void *bytes, size_t len,
	api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_FILE,
		.method = "PUT",
		.url = str_format("%s/%s", api->cache_url, name),
		.type = TYPE_NAR,
		.bytes = bytes,
		.bytes_len = len,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

struct call *plain_put_pulled(const struct api *api, const char *name,
	size_t (*on_pull)(void *owner, char *buf, size_t size), struct retry *retry,
	api_done *on_done, void *owner)
{
	struct call_spec spec = {
		.kind = RETRY_PULLED_FILE,
		.method = "PUT",
		.url = str_format("%s/%s", api->cache_url, name),
		.type = TYPE_NAR,
		.on_pull = on_pull,
		.retry = retry,
		.on_done = on_done,
		.owner = owner,
	};

	return call_start(api, &spec);
}

struct call *plain_complete(const struct api *api, const struct answer_create *upload,
	const struct question_complete *question, struct retry *retry, api_done *on_done,
	void *owner)
{
	struct str text = { 0 };
	struct call_spec spec = {
		.kind = RETRY_NARINFO,
		.method = "PUT",
		.url = str_format("%s/%.*s.narinfo", api->cache_url, STORE_HASH_LEN,
			store_path_base(question->info->path)),
		.type = TYPE_NARINFO,
		.on_done = on_done,
		.owner = owner,
	};

	(void)upload;
	(void)retry;
	narinfo_add(question, &text);
	spec.text = str_take(&text);
	return call_start(api, &spec);
}
