/* The reading half of lib/config.
 *
 * Mappings are walked with the dotted name so far ("evaluator."); a name that is no key but the
 * beginning of one is a mapping to descend into. Defaults are what a file would say: they are read
 * by the same functions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/config_value.h"
#include "lib/mem.h"
#include "lib/time_text.h"
#include "lib/yaml_doc.h"

#define NAME_MAX_BYTES 128

/* ---- one value ---- */

static bool parse_bool(const char *text, bool *out)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return false;
	*out = text[0] == 't';
	return true;
}

/* Set the scalar `key` from `text`. NULL when it fits, else what was expected. */
static const char *set_scalar(const struct config_key *key, const char *text, void *values)
{
	void *value = config_value(key, values);
	int64_t n = 0;

	switch (key->type) {
	case CONFIG_PATH:
		if (text[0] != '/')
			return "an absolute path";
		/* fall through */
	case CONFIG_TEXT:
		if (text[0] == '\0')
			return "a text that is not empty";
		*(char **)value = xstrdup(text);
		return NULL;
	case CONFIG_BOOL:
		return parse_bool(text, value) ? NULL : "true or false";
	case CONFIG_INT:
		if (!str_to_int(text, INT64_MIN, INT64_MAX, &n))
			return "a whole number";
		break;
	case CONFIG_DURATION:
		if (!duration_from_text(text, &n))
			return "a duration such as 90s, 10m, 1h30m or 2d";
		break;
	case CONFIG_SIZE:
		if (!size_from_text(text, &n))
			return "a size such as 512MiB or 8GiB";
		break;
	case CONFIG_CHOICE:
		for (int i = 0; key->choices[i] != NULL; i++) {
			if (strcmp(key->choices[i], text) == 0) {
				*(int *)value = i;
				return NULL;
			}
		}
		return "one of";
	case CONFIG_TEXTS:
	case CONFIG_JSON:
	case CONFIG_ITEMS:
		return "something else";
	}
	if (n < key->min || n > key->max)
		return "a value within its limits";
	*(int64_t *)value = n;
	return NULL;
}

static int read_scalar(
	struct yaml_doc *doc, const yaml_node_t *node, const struct config_key *key, void *values)
{
	cleanup_str struct str limits = { 0 };
	const char *text = yaml_scalar(node), *expected;
	bool is_choice = key->type == CONFIG_CHOICE;

	if (text == NULL)
		return yaml_doc_fail(doc, node, CAPQ_EINVAL,
			"%s: expected one value, not a list or a mapping", key->name);
	expected = set_scalar(key, text, values);
	if (expected == NULL)
		return 0;
	config_describe_limits(key, &limits);
	return yaml_doc_fail(doc, node, CAPQ_EINVAL, "%s: '%.100s' does not fit: expected %s%s%s%s",
		key->name, text, expected,
		limits.len == 0 ? ""
		: is_choice     ? " "
				: " (",
		str_text(&limits), limits.len == 0 || is_choice ? "" : ")");
}

/* Lists without a maximum are bounded by the document's own bounds. */
static int check_length(
	struct yaml_doc *doc, const yaml_node_t *node, const struct config_key *key, size_t n)
{
	if (key->max == 0 || ((int64_t)n >= key->min && (int64_t)n <= key->max))
		return 0;
	return yaml_doc_fail(doc, node, CAPQ_EINVAL,
		"%s: %zu entries; expected %" PRId64 " to %" PRId64, key->name, n, key->min,
		key->max);
}

/* The number of entries of a list that is as long as it may be; negative: it is none. */
static ssize_t list_length(struct yaml_doc *doc, const yaml_node_t *node,
	const struct config_key *key, const char *expected)
{
	size_t n;
	int rv;

	if (node->type != YAML_SEQUENCE_NODE)
		return yaml_doc_fail(
			doc, node, CAPQ_EINVAL, "%s: expected %s", key->name, expected);
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	rv = check_length(doc, node, key, n);
	return rv < 0 ? rv : (ssize_t)n;
}

static int read_texts(struct yaml_doc *doc, const yaml_node_t *node, const struct config_key *key,
	void *values, int depth)
{
	struct texts *texts = config_value(key, values);
	ssize_t n = list_length(doc, node, key, "a list, such as [a, b]");

	if (n < 0)
		return (int)n;
	texts->items = xcalloc((size_t)n, sizeof *texts->items);
	for (ssize_t i = 0; i < n; i++) {
		const yaml_node_t *item = yaml_doc_node(doc, node->data.sequence.items.start[i]);
		int rv = yaml_doc_count(doc, item, depth + 1);

		if (rv < 0)
			return rv;
		if (yaml_scalar(item) == NULL || yaml_is_null(item) || *yaml_scalar(item) == '\0')
			return yaml_doc_fail(
				doc, item, CAPQ_EINVAL, "%s: expected a list of texts", key->name);
		texts->items[texts->n++] = xstrdup(yaml_scalar(item));
	}
	return 0;
}

static int read_json(struct yaml_doc *doc, const yaml_node_t *node, const struct config_key *key,
	void *values, int depth)
{
	struct json_out out = { 0 };
	int rv;

	if (node->type != YAML_MAPPING_NODE)
		return yaml_doc_fail(doc, node, CAPQ_EINVAL,
			"%s: expected a mapping, such as {a: 1}", key->name);
	rv = yaml_doc_to_json(doc, node, NULL, depth, &out);
	if (rv == 0)
		*(char **)config_value(key, values) = str_take(&out.text);
	str_free(&out.text);
	return rv;
}

/* ---- mappings of keys ---- */

static int read_mapping(struct yaml_doc *doc, const yaml_node_t *node,
	const struct config_table *table, const char *within, void *values, bool *seen, int depth);
static int set_defaults(const struct config_table *table, const bool *seen, void *values,
	struct yaml_doc *doc, const yaml_node_t *node);

static int read_item(struct yaml_doc *doc, const yaml_node_t *node,
	const struct config_table *table, void *values, int depth)
{
	cleanup_free bool *seen = xcalloc(table->n_keys, sizeof *seen);
	int rv = read_mapping(doc, node, table, "", values, seen, depth);

	return rv < 0 ? rv : set_defaults(table, seen, values, doc, node);
}

static int read_items(struct yaml_doc *doc, const yaml_node_t *node, const struct config_key *key,
	void *values, int depth)
{
	struct items *items = config_value(key, values);
	ssize_t n = list_length(doc, node, key, "a list of mappings");
	size_t size = key->items->size;
	int rv = 0;

	if (n < 0)
		return (int)n;
	items->items = xcalloc((size_t)n, size);
	while ((ssize_t)items->n < n && rv == 0) {
		size_t i = items->n++;
		const yaml_node_t *item = yaml_doc_node(doc, node->data.sequence.items.start[i]);

		rv = read_item(doc, item, key->items, (char *)items->items + i * size, depth + 1);
	}
	return rv;
}

static int read_value(struct yaml_doc *doc, const yaml_node_t *node, const struct config_key *key,
	void *values, int depth)
{
	int rv = yaml_doc_count(doc, node, depth);

	if (rv < 0)
		return rv;
	switch (key->type) {
	case CONFIG_TEXTS:
		return read_texts(doc, node, key, values, depth);
	case CONFIG_JSON:
		return read_json(doc, node, key, values, depth);
	case CONFIG_ITEMS:
		return read_items(doc, node, key, values, depth);
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_BOOL:
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_CHOICE:
		break;
	}
	return read_scalar(doc, node, key, values);
}

/* The mapping that `name` may have been meant to be: what some key's name has before its dot. */
static bool nearest_mapping(
	const struct config_table *table, const char *name, char out[NAME_MAX_BYTES])
{
	const char *nearest;

	for (size_t i = 0; i < table->n_keys; i++) {
		const char *dot = strchr(table->keys[i].name, '.');

		if (dot == NULL)
			continue;
		(void)snprintf(out, NAME_MAX_BYTES, "%.*s", (int)(dot - table->keys[i].name),
			table->keys[i].name);
		nearest = out;
		if (str_nearest(name, &nearest, 1, &nearest, 1) == 1)
			return true;
	}
	return false;
}

static int refuse_name(struct yaml_doc *doc, const yaml_node_t *node, const char *name,
	const struct config_table *table)
{
	cleanup_free const char **names = xcalloc(table->n_keys, sizeof *names);
	char mapping[NAME_MAX_BYTES];
	const char *nearest;

	for (size_t i = 0; i < table->n_keys; i++)
		names[i] = table->keys[i].name;
	if (str_nearest(name, names, table->n_keys, &nearest, 1) == 0) {
		if (!nearest_mapping(table, name, mapping))
			return yaml_doc_fail(doc, node, CAPQ_EINVAL,
				"there is no key '%s'; see capqd.yaml(5)", name);
		nearest = mapping;
	}
	return yaml_doc_fail(
		doc, node, CAPQ_EINVAL, "there is no key '%s'; did you mean '%s'?", name, nearest);
}

/* The key called `name`, or the number of keys when it only begins some, or -1. */
static int find_key(const struct config_table *table, const char *name)
{
	size_t len = strlen(name);
	int begins = -1;

	for (size_t i = 0; i < table->n_keys; i++) {
		if (strcmp(table->keys[i].name, name) == 0)
			return (int)i;
		if (strncmp(table->keys[i].name, name, len) == 0 && table->keys[i].name[len] == '.')
			begins = (int)table->n_keys;
	}
	return begins;
}

static int read_pair(struct yaml_doc *doc, const yaml_node_pair_t *pair,
	const struct config_table *table, const char *within, void *values, bool *seen, int depth)
{
	const yaml_node_t *key_node = yaml_doc_node(doc, pair->key),
			  *value = yaml_doc_node(doc, pair->value);
	char name[NAME_MAX_BYTES];
	int i;

	if (yaml_scalar(key_node) == NULL || snprintf(name, sizeof name, "%s%s", within,
						     yaml_scalar(key_node)) >= (int)sizeof name)
		return yaml_doc_fail(doc, key_node, CAPQ_EINVAL, "a key must be a short text");
	i = find_key(table, name);
	if (i < 0)
		return refuse_name(doc, key_node, name, table);
	if (i == (int)table->n_keys) {
		char inner[NAME_MAX_BYTES + 1];

		(void)snprintf(inner, sizeof inner, "%s.", name);
		return read_mapping(doc, value, table, inner, values, seen, depth + 1);
	}
	if (seen[i]) /* Once in its mapping, once by its dotted name. */
		return yaml_doc_fail(doc, key_node, CAPQ_EINVAL, "'%s' is set twice", name);
	if (yaml_is_null(value))
		return 0; /* As if it were not there. */
	seen[i] = true;
	return read_value(doc, value, &table->keys[i], values, depth + 1);
}

static int read_mapping(struct yaml_doc *doc, const yaml_node_t *node,
	const struct config_table *table, const char *within, void *values, bool *seen, int depth)
{
	int rv = yaml_doc_count(doc, node, depth);

	if (rv < 0 || yaml_is_null(node))
		return rv;
	if (node->type != YAML_MAPPING_NODE)
		return yaml_doc_fail(doc, node, CAPQ_EINVAL,
			"expected a mapping of keys to values%s%.*s", *within ? " below " : "",
			(int)(*within ? strlen(within) - 1 : 0), within);
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
		p < node->data.mapping.pairs.top && rv == 0; p++) {
		rv = yaml_doc_refuse_repeated(doc, node, p);
		if (rv == 0)
			rv = read_pair(doc, p, table, within, values, seen, depth);
	}
	return rv;
}

/* ---- defaults ---- */

static void default_texts(const char *fallback, struct texts *out)
{
	cleanup_free char *copy = xstrdup(fallback);
	char *rest = copy, *word;
	size_t capacity = 0;

	while ((word = strsep(&rest, " ")) != NULL) {
		array_reserve(&out->items, &capacity, out->n + 1, sizeof *out->items);
		out->items[out->n++] = xstrdup(word);
	}
}

static void set_default(const struct config_key *key, void *values)
{
	if (key->type == CONFIG_JSON)
		*(char **)config_value(key, values) =
			xstrdup(key->fallback == NULL ? "{}" : key->fallback);
	else if (key->fallback == NULL)
		return;
	else if (key->type == CONFIG_TEXTS)
		default_texts(key->fallback, config_value(key, values));
	else if (set_scalar(key, key->fallback, values) != NULL)
		abort(); /* The table is wrong; a unit test reads every default. */
}

/* `node` is the mapping to blame for what is missing; NULL: the whole file. */
static int set_defaults(const struct config_table *table, const bool *seen, void *values,
	struct yaml_doc *doc, const yaml_node_t *node)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];

		if (seen[i])
			continue;
		if (key->is_required && node == NULL)
			return err_set(
				doc->err, CAPQ_EINVAL, "%s: '%s' is missing", doc->path, key->name);
		if (key->is_required)
			return yaml_doc_fail(doc, node, CAPQ_EINVAL, "'%s' is missing", key->name);
		set_default(key, values);
	}
	return 0;
}

/* ---- files ---- */

int config_parse(const char *text, size_t len, const char *path, const struct config_table *table,
	void *values, struct err *err)
{
	cleanup_free bool *seen = xcalloc(table->n_keys, sizeof *seen);
	struct yaml_doc doc;
	const yaml_node_t *root;
	int rv;

	memset(values, 0, table->size);
	rv = yaml_doc_load(text, len, path, &doc, err);
	if (rv < 0)
		return rv;
	root = yaml_document_get_root_node(&doc.document);
	if (root != NULL)
		rv = read_mapping(&doc, root, table, "", values, seen, 1);
	if (rv == 0)
		rv = set_defaults(table, seen, values, &doc, NULL);
	if (rv < 0)
		config_finish(table, values);
	yaml_doc_finish(&doc);
	return rv;
}

int config_read(const char *path, const struct config_table *table, void *values, struct err *err)
{
	cleanup_free char *text = xmalloc(CONFIG_FILE_MAX + 1);
	FILE *file = fopen(path, "re");
	size_t len;

	if (file == NULL)
		return err_errno(err, errno, "%s", path);
	len = fread(text, 1, CONFIG_FILE_MAX + 1, file);
	if (ferror(file)) {
		int rv = err_errno(err, errno, "%s", path);

		(void)fclose(file);
		return rv;
	}
	(void)fclose(file);
	if (len > CONFIG_FILE_MAX)
		return err_set(err, CAPQ_ETOOBIG, "%s: more than %u bytes", path, CONFIG_FILE_MAX);
	return config_parse(text, len, path, table, values, err);
}
