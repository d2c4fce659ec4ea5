/* The YAML half of lib/config.
 *
 * libyaml loads the whole document, so that every node knows its line. Mappings are walked with the
 * dotted name so far ("evaluator."); a name that is no key but the beginning of one is a mapping to
 * descend into. Aliases are nodes that occur twice and could nest for ever: depth and the number of
 * values are bounded. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/config.h"
#include "lib/config_value.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/time_text.h"

#define DEPTH_MAX 16
#define VALUES_MAX 20000
#define NAME_MAX_BYTES 128

struct reader {
	const char *path;
	yaml_document_t *document;
	size_t n_values;
	struct err *err;
};

static int fail_at(struct reader *r, const yaml_node_t *node, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int fail_at(struct reader *r, const yaml_node_t *node, int code, const char *format, ...)
{
	char text[ERR_TEXT_MAX / 2];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(r->err, code, "%s:%zu: %s", r->path, node->start_mark.line + 1, text);
}

static yaml_node_t *node_at(struct reader *r, int index)
{
	return yaml_document_get_node(r->document, index);
}

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static bool is_plain(const yaml_node_t *node)
{
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const yaml_node_t *node)
{
	const char *text = scalar(node);

	return text != NULL && is_plain(node) &&
	       (*text == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0);
}

/* ---- one value ---- */

static bool parse_bool(const char *text, bool *out)
{
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0;
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
		return "another word";
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

static void describe_limits(const struct config_key *key, struct str *out)
{
	char min[TIME_TEXT_MAX], max[TIME_TEXT_MAX];

	if (key->type == CONFIG_CHOICE) {
		for (size_t i = 0; key->choices[i] != NULL; i++)
			str_addf(out, "%s%s", i == 0 ? " (" : ", ", key->choices[i]);
		str_add_char(out, ')');
	} else if (key->type == CONFIG_DURATION) {
		duration_to_config(key->min, min);
		duration_to_config(key->max, max);
		str_addf(out, " (%s to %s)", min, max);
	} else if (key->type == CONFIG_SIZE) {
		size_to_config(key->min, min);
		size_to_config(key->max, max);
		str_addf(out, " (%s to %s)", min, max);
	} else if (key->type == CONFIG_INT) {
		str_addf(out, " (%" PRId64 " to %" PRId64 ")", key->min, key->max);
	}
}

static int read_scalar(
	struct reader *r, const yaml_node_t *node, const struct config_key *key, void *values)
{
	cleanup_str struct str limits = { 0 };
	const char *text = scalar(node), *expected;

	expected =
		text == NULL ? "one value, not a list or a mapping" : set_scalar(key, text, values);
	if (expected == NULL)
		return 0;
	describe_limits(key, &limits);
	return fail_at(r, node, CAPQ_EINVAL, "%s: '%.100s' does not fit: expected %s%s", key->name,
		text == NULL ? "..." : text, expected, str_text(&limits));
}

static int read_texts(
	struct reader *r, const yaml_node_t *node, const struct config_key *key, void *values)
{
	struct texts *texts = config_value(key, values);
	size_t capacity = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail_at(
			r, node, CAPQ_EINVAL, "%s: expected a list, such as [a, b]", key->name);
	for (yaml_node_item_t *i = node->data.sequence.items.start;
		i < node->data.sequence.items.top; i++) {
		const yaml_node_t *item = node_at(r, *i);

		if (scalar(item) == NULL || *scalar(item) == '\0')
			return fail_at(
				r, item, CAPQ_EINVAL, "%s: expected a list of texts", key->name);
		array_reserve(&texts->items, &capacity, texts->n + 1, sizeof *texts->items);
		texts->items[texts->n++] = xstrdup(scalar(item));
	}
	if (key->max > 0 && ((int64_t)texts->n < key->min || (int64_t)texts->n > key->max))
		return fail_at(r, node, CAPQ_EINVAL,
			"%s: %zu entries; expected %" PRId64 " to %" PRId64, key->name, texts->n,
			key->min, key->max);
	return 0;
}

/* ---- any mapping, as JSON ---- */

static int to_json(struct reader *r, const yaml_node_t *node, const char *name, int depth,
	struct json_out *out);

/* YAML 1.2's core schema, as far as JSON has the types: what is quoted is a string. */
static void scalar_to_json(const yaml_node_t *node, const char *name, struct json_out *out)
{
	const char *text = scalar(node);
	struct json *number = NULL;
	bool value;

	if (is_null(node))
		json_out_null(out, name);
	else if (is_plain(node) && parse_bool(text, &value))
		json_out_bool(out, name, value);
	else if (is_plain(node) && json_parse(text, strlen(text), &number, NULL) == 0 &&
		 json_kind(number) == JSON_NUMBER)
		json_out_raw(out, name, text);
	else
		json_out_text(out, name, text);
	json_free(number);
}

static int mapping_to_json(struct reader *r, const yaml_node_t *node, const char *name, int depth,
	struct json_out *out)
{
	json_out_object(out, name);
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
		p++) {
		const yaml_node_t *key = node_at(r, p->key);
		int rv;

		if (scalar(key) == NULL)
			return fail_at(r, key, CAPQ_EINVAL, "a name must be a text");
		rv = to_json(r, node_at(r, p->value), scalar(key), depth + 1, out);
		if (rv < 0)
			return rv;
	}
	json_out_end_object(out);
	return 0;
}

static int to_json(struct reader *r, const yaml_node_t *node, const char *name, int depth,
	struct json_out *out)
{
	int rv = 0;

	if (depth > DEPTH_MAX || ++r->n_values > VALUES_MAX)
		return fail_at(r, node, CAPQ_ETOOBIG, "nested too deep, or too many values");
	switch (node->type) {
	case YAML_MAPPING_NODE:
		return mapping_to_json(r, node, name, depth, out);
	case YAML_SEQUENCE_NODE:
		json_out_array(out, name);
		for (yaml_node_item_t *i = node->data.sequence.items.start;
			i < node->data.sequence.items.top && rv == 0; i++)
			rv = to_json(r, node_at(r, *i), NULL, depth + 1, out);
		json_out_end_array(out);
		return rv;
	case YAML_SCALAR_NODE:
		scalar_to_json(node, name, out);
		return 0;
	case YAML_NO_NODE:
		break;
	}
	return fail_at(r, node, CAPQ_EINVAL, "expected a value");
}

static int read_json(
	struct reader *r, const yaml_node_t *node, const struct config_key *key, void *values)
{
	struct json_out out = { 0 };
	int rv;

	if (node->type != YAML_MAPPING_NODE)
		return fail_at(
			r, node, CAPQ_EINVAL, "%s: expected a mapping, such as {a: 1}", key->name);
	rv = to_json(r, node, NULL, 1, &out);
	if (rv == 0)
		*(char **)config_value(key, values) = str_take(&out.text);
	str_free(&out.text);
	return rv;
}

/* ---- mappings of keys ---- */

static int read_mapping(struct reader *r, const yaml_node_t *node, const struct config_table *table,
	const char *within, void *values, bool *seen, int depth);
static int set_defaults(const struct config_table *table, const bool *seen, void *values,
	struct reader *r, const yaml_node_t *node);

static int read_item(struct reader *r, const yaml_node_t *node, const struct config_table *table,
	void *values, int depth)
{
	cleanup_free bool *seen = xcalloc(table->n_keys, sizeof *seen);
	int rv = read_mapping(r, node, table, "", values, seen, depth);

	return rv < 0 ? rv : set_defaults(table, seen, values, r, node);
}

static int read_items(struct reader *r, const yaml_node_t *node, const struct config_key *key,
	void *values, int depth)
{
	struct items *items = config_value(key, values);
	size_t n = 0, size = key->items->size;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail_at(r, node, CAPQ_EINVAL, "%s: expected a list of mappings", key->name);
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if ((int64_t)n < key->min || (int64_t)n > key->max)
		return fail_at(r, node, CAPQ_EINVAL,
			"%s: %zu entries; expected %" PRId64 " to %" PRId64, key->name, n, key->min,
			key->max);
	items->items = xcalloc(n, size);
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = node_at(r, node->data.sequence.items.start[i]);
		int rv;

		items->n = i + 1;
		rv = read_item(r, item, key->items, (char *)items->items + i * size, depth + 1);
		if (rv < 0)
			return rv;
	}
	return 0;
}

static int read_value(struct reader *r, const yaml_node_t *node, const struct config_key *key,
	void *values, int depth)
{
	switch (key->type) {
	case CONFIG_TEXTS:
		return read_texts(r, node, key, values);
	case CONFIG_JSON:
		return read_json(r, node, key, values);
	case CONFIG_ITEMS:
		return read_items(r, node, key, values, depth);
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_BOOL:
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_CHOICE:
		break;
	}
	return read_scalar(r, node, key, values);
}

static int refuse_name(struct reader *r, const yaml_node_t *node, const char *name,
	const struct config_table *table)
{
	cleanup_free const char **names = xcalloc(table->n_keys, sizeof *names);
	const char *nearest[1];

	for (size_t i = 0; i < table->n_keys; i++)
		names[i] = table->keys[i].name;
	if (str_nearest(name, names, table->n_keys, nearest, 1) == 1)
		return fail_at(r, node, CAPQ_EINVAL, "there is no key '%s'; did you mean '%s'?",
			name, nearest[0]);
	return fail_at(r, node, CAPQ_EINVAL, "there is no key '%s'; see capqd.yaml(5)", name);
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

static int read_pair(struct reader *r, const yaml_node_pair_t *pair,
	const struct config_table *table, const char *within, void *values, bool *seen, int depth)
{
	const yaml_node_t *key_node = node_at(r, pair->key), *value = node_at(r, pair->value);
	char name[NAME_MAX_BYTES];
	int i;

	if (scalar(key_node) == NULL ||
		snprintf(name, sizeof name, "%s%s", within, scalar(key_node)) >= (int)sizeof name)
		return fail_at(r, key_node, CAPQ_EINVAL, "a key must be a short text");
	i = find_key(table, name);
	if (i < 0)
		return refuse_name(r, key_node, name, table);
	if (i == (int)table->n_keys) {
		char inner[NAME_MAX_BYTES + 1];

		if (is_null(value))
			return 0;
		(void)snprintf(inner, sizeof inner, "%s.", name);
		return read_mapping(r, value, table, inner, values, seen, depth + 1);
	}
	if (seen[i])
		return fail_at(r, key_node, CAPQ_EINVAL, "'%s' is set twice", name);
	if (is_null(value))
		return 0; /* As if it were not there. */
	seen[i] = true;
	return read_value(r, value, &table->keys[i], values, depth);
}

static int read_mapping(struct reader *r, const yaml_node_t *node, const struct config_table *table,
	const char *within, void *values, bool *seen, int depth)
{
	if (depth > DEPTH_MAX)
		return fail_at(r, node, CAPQ_ETOOBIG, "nested too deep");
	if (is_null(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return fail_at(r, node, CAPQ_EINVAL, "expected a mapping of keys to values%s%.*s",
			*within ? " below " : "", (int)(*within ? strlen(within) - 1 : 0), within);
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
		p++) {
		int rv = read_pair(r, p, table, within, values, seen, depth);

		if (rv < 0)
			return rv;
	}
	return 0;
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

static int set_defaults(const struct config_table *table, const bool *seen, void *values,
	struct reader *r, const yaml_node_t *node)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];

		if (seen[i])
			continue;
		if (key->is_required)
			return node == NULL ? err_set(r->err, CAPQ_EINVAL, "%s: '%s' is missing",
						      r->path, key->name)
					    : fail_at(r, node, CAPQ_EINVAL, "'%s' is missing",
						      key->name);
		if (key->type == CONFIG_JSON)
			*(char **)config_value(key, values) =
				xstrdup(key->fallback == NULL ? "{}" : key->fallback);
		else if (key->fallback == NULL)
			continue;
		else if (key->type == CONFIG_TEXTS)
			default_texts(key->fallback, config_value(key, values));
		else if (set_scalar(key, key->fallback, values) != NULL)
			abort(); /* The table is wrong; a unit test reads every default. */
	}
	return 0;
}

/* ---- files ---- */

static int load_document(
	const char *text, size_t len, const char *path, yaml_document_t *out, struct err *err)
{
	yaml_document_t second;
	yaml_parser_t parser;
	int rv = 0;

	if (yaml_parser_initialize(&parser) == 0)
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, out) == 0) {
		rv = err_set(err, CAPQ_EINVAL, "%s:%zu: %s", path, parser.problem_mark.line + 1,
			parser.problem == NULL ? "not YAML" : parser.problem);
	} else if (yaml_parser_load(&parser, &second) == 0 ||
		   yaml_document_get_root_node(&second) != NULL) {
		rv = err_set(err, CAPQ_EINVAL, "%s:%zu: a second document, or what is no YAML",
			path, parser.mark.line + 1);
		yaml_document_delete(out);
		if (parser.error == YAML_NO_ERROR)
			yaml_document_delete(&second);
	} else {
		yaml_document_delete(&second);
	}
	yaml_parser_delete(&parser);
	return rv;
}

int config_parse(const char *text, size_t len, const char *path, const struct config_table *table,
	void *values, struct err *err)
{
	cleanup_free bool *seen = xcalloc(table->n_keys, sizeof *seen);
	yaml_document_t document;
	struct reader r = { .path = path, .document = &document, .err = err };
	yaml_node_t *root;
	int rv;

	memset(values, 0, table->size);
	rv = load_document(text, len, path, &document, err);
	if (rv < 0)
		return rv;
	root = yaml_document_get_root_node(&document);
	if (root != NULL)
		rv = read_mapping(&r, root, table, "", values, seen, 1);
	if (rv == 0)
		rv = set_defaults(table, seen, values, &r, NULL);
	if (rv < 0)
		config_finish(table, values);
	yaml_document_delete(&document);
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
