#include "push/path_info.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/store_path.h"
#include "lib/str.h"

static void finish_info(struct path_info *info)
{
	for (size_t i = 0; i < info->n_references; i++)
		free(info->references[i]);
	free(info->references);
	for (size_t i = 0; i < info->n_signatures; i++)
		free(info->signatures[i]);
	free(info->signatures);
	free(info->path);
	free(info->deriver);
	free(info->ca);
}

/* `name` as a full path: formats 2 and 3 give base names. NULL when it is none. The caller frees.
 */
static char *full_path(const char *name)
{
	char *path;

	if (name == NULL)
		return NULL;
	path = name[0] == '/' ? xstrdup(name) : str_format("%s/%s", STORE_DIR, name);
	if (store_path_is_valid(path, strlen(path)))
		return path;
	free(path);
	return NULL;
}

/* "sha256-BASE64" (SRI), "sha256:NIX32" or "sha256:HEX". */
static bool read_hash(const char *text, unsigned char out[SHA256_LEN])
{
	unsigned char bytes[BASE64_LEN(SHA256_LEN)];
	const char *digits = text == NULL ? "" : text + strlen("sha256:");
	size_t len;

	if (text == NULL || (!str_starts(text, "sha256-") && !str_starts(text, "sha256:")))
		return false;
	len = strlen(digits);
	if (digits[-1] == '-') {
		if (len != BASE64_LEN(SHA256_LEN) || !base64_decode(digits, len, bytes, &len))
			return false;
		memcpy(out, bytes, SHA256_LEN);
		return len == SHA256_LEN;
	}
	return (len == NIX32_LEN(SHA256_LEN) && nix32_decode(digits, out, SHA256_LEN)) ||
	       (len == SHA256_HEX_LEN && hex_decode(digits, out, SHA256_LEN));
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_references(const struct json *list, struct path_info *info, struct err *err)
{
	size_t n;

	if (json_kind(list) != JSON_ARRAY)
		return err_set(err, CAPQ_EINVAL, "it has no list of references");
	info->references = xcalloc(json_count(list), sizeof *info->references);
	for (const struct json *v = json_first(list); v != NULL; v = json_next(v)) {
		char *path = full_path(json_text(v));

		if (path == NULL)
			return err_set(err, CAPQ_EINVAL, "a reference is no store path");
		info->references[info->n_references++] = path;
	}
	array_sort(info->references, info->n_references, sizeof *info->references, compare_texts);
	n = array_unique(
		info->references, info->n_references, sizeof *info->references, compare_texts);
	while (info->n_references > n)
		free(info->references[--info->n_references]);
	return 0;
}

/* "KEYNAME:BASE64", or since format 3 an object with both; NULL when it is neither. */
static char *read_signature(const struct json *value)
{
	const char *text = json_text(value);
	const char *key = json_text(json_get(value, "keyName"));
	const char *signature = json_text(json_get(value, "sig"));

	if (text != NULL)
		return xstrdup(text);
	return key == NULL || signature == NULL ? NULL : str_format("%s:%s", key, signature);
}

/* A path that is signed in a way that we cannot read is no worse than one that is not signed. */
static void read_signatures(const struct json *list, struct path_info *info)
{
	if (json_kind(list) != JSON_ARRAY)
		return;
	info->signatures = xcalloc(json_count(list), sizeof *info->signatures);
	for (const struct json *v = json_first(list); v != NULL; v = json_next(v)) {
		char *signature = read_signature(v);

		if (signature != NULL)
			info->signatures[info->n_signatures++] = signature;
	}
}

/* A line of a narinfo, so it must not hold the end of one. Nix after 2.31 may give an object here,
 * which is as good as nothing: such a path then needs a signature. */
static char *read_ca(const struct json *value)
{
	const char *text = json_text(value);

	if (text == NULL || text[0] == '\0' || text[strcspn(text, "\r\n")] != '\0')
		return NULL;
	return xstrdup(text);
}

/* What the object of a path says; its `path` is set already. */
static int read_object(const struct json *object, struct path_info *info, struct err *err)
{
	bool valid = true;

	(void)json_bool(json_get(object, "valid"), &valid); /* Not said: it is. */
	info->is_valid = valid && json_kind(object) == JSON_OBJECT;
	if (!info->is_valid)
		return 0;
	if (!read_hash(json_text(json_get(object, "narHash")), info->nar_hash))
		return err_set(err, CAPQ_EINVAL, "it has no SHA-256 narHash");
	if (!json_uint(json_get(object, "narSize"), &info->nar_size))
		return err_set(err, CAPQ_EINVAL, "it has no narSize");
	info->deriver = full_path(json_text(json_get(object, "deriver")));
	info->ca = read_ca(json_get(object, "ca"));
	read_signatures(json_get(object, "signatures"), info);
	return read_references(json_get(object, "references"), info, err);
}

/* Append what `object`, which may be null, says of the path called `name`. */
static int add_info(
	struct path_infos *infos, const char *name, const struct json *object, struct err *err)
{
	struct path_info info = { .path = full_path(name) };
	int rv;

	if (info.path == NULL)
		return err_set(err, CAPQ_EINVAL, "it names what is no path in %s", STORE_DIR);
	rv = read_object(object, &info, err);
	if (rv < 0) {
		(void)err_wrap(err, "%s", info.path);
		finish_info(&info);
		return rv;
	}
	array_reserve(&infos->items, &infos->capacity, infos->n + 1, sizeof *infos->items);
	infos->items[infos->n++] = info;
	return 0;
}

static int read_list(struct path_infos *infos, const struct json *list, struct err *err)
{
	int rv = 0;

	for (const struct json *v = json_first(list); v != NULL && rv == 0; v = json_next(v))
		rv = add_info(infos, json_text(json_get(v, "path")), v, err);
	return rv;
}

static int read_map(struct path_infos *infos, const struct json *map, struct err *err)
{
	int rv = 0;

	for (const struct json *v = json_first(map); v != NULL && rv == 0; v = json_next(v))
		rv = add_info(infos, json_name(v), v, err);
	return rv;
}

static int read_any(struct path_infos *infos, const struct json *root, struct err *err)
{
	const struct json *info = json_get(root, "info");
	const char *store_dir = json_text(json_get(root, "storeDir"));

	if (json_kind(root) == JSON_ARRAY)
		return read_list(infos, root, err);
	if (json_kind(root) != JSON_OBJECT)
		return err_set(err, CAPQ_EINVAL, "it is %s", json_kind_name(json_kind(root)));
	if (store_dir != NULL && strcmp(store_dir, STORE_DIR) != 0)
		return err_set(err, CAPQ_EINVAL, "its store is %s, not " STORE_DIR, store_dir);
	return read_map(infos, json_kind(info) == JSON_OBJECT ? info : root, err);
}

int path_infos_read(struct path_infos *infos, const char *json, size_t len, struct err *err)
{
	cleanup_json struct json *root = NULL;
	size_t n = infos->n;
	int rv = json_parse(json, len, &root, err);

	if (rv == 0)
		rv = read_any(infos, root, err);
	if (rv == 0)
		return 0;
	while (infos->n > n)
		finish_info(&infos->items[--infos->n]);
	(void)err_wrap(err, "cannot read what nix path-info printed");
	return rv;
}

static int compare_paths(const void *a, const void *b)
{
	const struct path_info *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* By path; of two infos for one path the valid one first. */
static int compare_infos(const void *a, const void *b)
{
	const struct path_info *x = a, *y = b;
	int order = compare_paths(a, b);

	return order != 0 ? order : (int)y->is_valid - (int)x->is_valid;
}

void path_infos_sort(struct path_infos *infos)
{
	size_t n;

	array_sort(infos->items, infos->n, sizeof *infos->items, compare_infos);
	n = array_unique(infos->items, infos->n, sizeof *infos->items, compare_paths);
	while (infos->n > n)
		finish_info(&infos->items[--infos->n]);
}

struct path_info *path_infos_find(const struct path_infos *infos, const char *path)
{
	const struct path_info wanted = { .path = (char *)path };

	if (infos->n == 0)
		return NULL;
	return bsearch(&wanted, infos->items, infos->n, sizeof *infos->items, compare_paths);
}

void path_infos_free(struct path_infos *infos)
{
	for (size_t i = 0; i < infos->n; i++)
		finish_info(&infos->items[i]);
	free(infos->items);
	*infos = (struct path_infos){ 0 };
}
