#include "push/answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/str.h"

/* ---- the cache ---- */

static enum compress_method read_preference(const char *text)
{
	for (int m = 0; text != NULL && m < COMPRESS_METHODS; m++)
		if (strcmp(text, compress_names((enum compress_method)m)->preference) == 0)
			return (enum compress_method)m;
	return COMPRESS_ZSTD;
}

int answer_cache_read(const char *body, size_t len, struct answer_cache *out, struct err *err)
{
	cleanup_json struct json *root = NULL;
	struct answer_cache cache = { 0 };
	const char *permission;
	const struct json *keys;

	if (json_parse(body, len, &root, err) < 0)
		return err_wrap(err, "the cache's metadata");
	permission = json_text(json_get(root, "permission"));
	if (permission == NULL)
		return err_set(err, CAPQ_EINVAL, "the cache's metadata have no permission");
	cache.may_write = strcmp(permission, "Write") == 0 || strcmp(permission, "Admin") == 0;
	cache.preferred = read_preference(json_text(json_get(root, "preferredCompressionMethod")));
	keys = json_get(root, "publicSigningKeys");
	cache.public_keys = xcalloc(json_count(keys), sizeof *cache.public_keys);
	for (const struct json *v = json_first(keys); v != NULL; v = json_next(v))
		if (json_text(v) != NULL)
			cache.public_keys[cache.n_public_keys++] = xstrdup(json_text(v));
	*out = cache;
	return 0;
}

void answer_cache_free(struct answer_cache *answer)
{
	for (size_t i = 0; i < answer->n_public_keys; i++)
		free(answer->public_keys[i]);
	free(answer->public_keys);
	*answer = (struct answer_cache){ 0 };
}

/* ---- missing hashes ---- */

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, STORE_HASH_LEN); /* What is looked for may be a base name. */
}

static void sort_missing(struct answer_missing *missing)
{
	array_sort(missing->hashes, missing->n, sizeof *missing->hashes, compare_hashes);
	missing->n =
		array_unique(missing->hashes, missing->n, sizeof *missing->hashes, compare_hashes);
}

int answer_missing_read(const char *body, size_t len, struct answer_missing *out, struct err *err)
{
	cleanup_json struct json *root = NULL;
	struct answer_missing missing = { 0 };

	if (json_parse(body, len, &root, err) < 0)
		return err_wrap(err, "the list of missing paths");
	if (json_kind(root) != JSON_ARRAY)
		return err_set(err, CAPQ_EINVAL, "the list of missing paths is no list");
	missing.hashes = xcalloc(json_count(root), sizeof *missing.hashes);
	for (const struct json *v = json_first(root); v != NULL; v = json_next(v)) {
		const char *hash = json_text(v);

		if (hash != NULL && strlen(hash) == STORE_HASH_LEN)
			strcpy(missing.hashes[missing.n++], hash);
	}
	sort_missing(&missing);
	*out = missing;
	return 0;
}

void answer_missing_add(struct answer_missing *answer, const struct answer_missing *more)
{
	size_t n = answer->n + more->n;

	answer->hashes = xrealloc(answer->hashes, n * sizeof *answer->hashes);
	if (more->n > 0)
		memcpy(answer->hashes + answer->n, more->hashes, more->n * sizeof *more->hashes);
	answer->n = n;
	sort_missing(answer);
}

bool answer_missing_has(const struct answer_missing *answer, const char *name)
{
	return answer->n > 0 && bsearch(name, answer->hashes, answer->n, sizeof *answer->hashes,
					compare_hashes) != NULL;
}

void answer_missing_free(struct answer_missing *answer)
{
	free(answer->hashes);
	*answer = (struct answer_missing){ 0 };
}

/* ---- uploads ---- */

/* A text that goes into URLs, where its special characters are encoded; but not just anything. */
static bool is_id(const char *text)
{
	return text != NULL && text[0] != '\0' && strlen(text) <= 4096;
}

int answer_create_read(const char *body, size_t len, struct answer_create *out, struct err *err)
{
	cleanup_json struct json *root = NULL;
	const char *nar_id, *upload_id;

	if (json_parse(body, len, &root, err) < 0)
		return err_wrap(err, "the new upload");
	nar_id = json_text(json_get(root, "narId"));
	upload_id = json_text(json_get(root, "uploadId"));
	if (!is_id(nar_id) || !is_id(upload_id))
		return err_set(err, CAPQ_EINVAL, "the new upload has no narId and uploadId");
	out->nar_id = xstrdup(nar_id);
	out->upload_id = xstrdup(upload_id);
	return 0;
}

void answer_create_free(struct answer_create *answer)
{
	free(answer->nar_id);
	free(answer->upload_id);
	*answer = (struct answer_create){ 0 };
}

static bool is_url(const char *text)
{
	if (text == NULL || (!str_starts(text, "https://") && !str_starts(text, "http://")))
		return false;
	for (; *text != '\0'; text++)
		if (!isgraph((unsigned char)*text))
			return false;
	return true;
}

int answer_presign_read(const char *body, size_t len, char **out, struct err *err)
{
	cleanup_json struct json *root = NULL;
	const char *url;

	if (json_parse(body, len, &root, err) < 0)
		return err_wrap(err, "the place for a part");
	url = json_text(json_get(root, "uploadUrl"));
	if (!is_url(url))
		return err_set(err, CAPQ_EINVAL, "the place for a part is no URL");
	*out = xstrdup(url);
	return 0;
}
