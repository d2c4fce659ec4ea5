#include "lib/yaml_doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_NAMES_MAX 1000 /* In one mapping: each is compared with those before it. */
#define JSON_NAME_BYTES_MAX 512

/* ---- loading ---- */

static void open_parser(yaml_parser_t *parser, const char *text, size_t len)
{
	if (yaml_parser_initialize(parser) == 0)
		abort(); /* No memory. */
	yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			n++;
	return n;
}

/* Of what the reader refuses, ill-formed UTF-8 and control characters, libyaml tells the byte
 * alone. */
static int refuse(const yaml_parser_t *parser, const char *text, size_t len, const char *path,
	struct err *err)
{
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_READER_ERROR && parser->problem_offset < len)
		line = count_lines(text, parser->problem_offset);
	return err_set(err, CAPQ_EINVAL, "%s:%zu: %s", path, line,
		parser->problem == NULL ? "not YAML" : parser->problem);
}

/* libyaml needs time by the square of the depth, so too deep a file is refused before it is loaded.
 * What else is wrong with it the loader will tell. */
static int check_depth(const char *text, size_t len, const char *path, struct err *err)
{
	bool ended = false;
	yaml_parser_t parser;
	yaml_event_t event;
	int depth = 0, rv = 0;

	open_parser(&parser, text, len);
	while (!ended && rv == 0 && yaml_parser_parse(&parser, &event) != 0) {
		if (event.type == YAML_MAPPING_START_EVENT ||
			event.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		if (depth > YAML_DEPTH_MAX)
			rv = err_set(err, CAPQ_ETOOBIG, "%s:%zu: nested more than %d deep", path,
				event.start_mark.line + 1, YAML_DEPTH_MAX);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return rv;
}

/* Behind the document nothing may come. */
static int check_end(
	yaml_parser_t *parser, const char *text, size_t len, const char *path, struct err *err)
{
	yaml_document_t second;
	const yaml_node_t *root;
	int rv = 0;

	if (yaml_parser_load(parser, &second) == 0)
		return refuse(parser, text, len, path, err);
	root = yaml_document_get_root_node(&second);
	if (root != NULL)
		rv = err_set(err, CAPQ_EINVAL, "%s:%zu: a second document begins here", path,
			root->start_mark.line + 1);
	yaml_document_delete(&second);
	return rv;
}

static int check_nuls(struct yaml_doc *doc)
{
	for (yaml_node_t *n = doc->document.nodes.start; n < doc->document.nodes.top; n++)
		if (n->type == YAML_SCALAR_NODE &&
			strlen((const char *)n->data.scalar.value) != n->data.scalar.length)
			return yaml_doc_fail(doc, n, CAPQ_EINVAL, "a text with a NUL in it");
	return 0;
}

int yaml_doc_load(
	const char *text, size_t len, const char *path, struct yaml_doc *out, struct err *err)
{
	yaml_parser_t parser;
	int rv = check_depth(text, len, path, err);

	if (rv < 0)
		return rv;
	memset(out, 0, sizeof *out);
	out->path = path;
	out->err = err;
	open_parser(&parser, text, len);
	if (yaml_parser_load(&parser, &out->document) == 0) {
		rv = refuse(&parser, text, len, path, err);
	} else {
		rv = check_end(&parser, text, len, path, err);
		if (rv == 0)
			rv = check_nuls(out);
		if (rv < 0)
			yaml_doc_finish(out);
	}
	yaml_parser_delete(&parser);
	return rv;
}

void yaml_doc_finish(struct yaml_doc *doc)
{
	yaml_document_delete(&doc->document);
}

/* ---- looking ---- */

int yaml_doc_fail(struct yaml_doc *doc, const yaml_node_t *node, int code, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(doc->err, code, "%s:%zu: %s", doc->path, node->start_mark.line + 1, text);
}

int yaml_doc_count(struct yaml_doc *doc, const yaml_node_t *node, int depth)
{
	if (node->type == YAML_SCALAR_NODE)
		doc->n_bytes += node->data.scalar.length;
	doc->n_values++;
	if (depth > YAML_DEPTH_MAX)
		return yaml_doc_fail(
			doc, node, CAPQ_ETOOBIG, "nested more than %d deep", YAML_DEPTH_MAX);
	if (doc->n_values > YAML_VALUES_MAX || doc->n_bytes > YAML_BYTES_MAX)
		return yaml_doc_fail(doc, node, CAPQ_ETOOBIG,
			"more than %d values or %u bytes of them", YAML_VALUES_MAX, YAML_BYTES_MAX);
	return 0;
}

int yaml_doc_refuse_repeated(
	struct yaml_doc *doc, const yaml_node_t *node, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_doc_node(doc, pair->key);
	const char *name = yaml_scalar(key);

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; name != NULL && p < pair; p++) {
		const char *before = yaml_scalar(yaml_doc_node(doc, p->key));

		if (before != NULL && strcmp(before, name) == 0)
			return yaml_doc_fail(doc, key, CAPQ_EINVAL, "'%.100s' is set twice", name);
	}
	return 0;
}

const yaml_node_t *yaml_doc_node(struct yaml_doc *doc, int index)
{
	return yaml_document_get_node(&doc->document, index);
}

const char *yaml_scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static bool is_plain(const yaml_node_t *node)
{
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_one_of(const char *text, const char *const words[3])
{
	for (size_t i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

bool yaml_is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = { "null", "Null", "NULL" };
	const char *text = yaml_scalar(node);

	return text != NULL && is_plain(node) &&
	       (*text == '\0' || strcmp(text, "~") == 0 || is_one_of(text, nulls));
}

/* ---- as JSON ---- */

static bool is_json_number(const char *text)
{
	cleanup_json struct json *number = NULL;

	return json_parse(text, strlen(text), &number, NULL) == 0 &&
	       json_kind(number) == JSON_NUMBER;
}

static void scalar_to_json(const yaml_node_t *node, const char *name, struct json_out *out)
{
	static const char *const trues[] = { "true", "True", "TRUE" }, *const falses[] = { "false",
		"False", "FALSE" };
	const char *text = yaml_scalar(node);

	if (yaml_is_null(node))
		json_out_null(out, name);
	else if (is_plain(node) && is_one_of(text, trues))
		json_out_bool(out, name, true);
	else if (is_plain(node) && is_one_of(text, falses))
		json_out_bool(out, name, false);
	else if (is_plain(node) && is_json_number(text))
		json_out_raw(out, name, text);
	else
		json_out_text(out, name, text);
}

static int pair_to_json(struct yaml_doc *doc, const yaml_node_t *node, const yaml_node_pair_t *pair,
	int depth, struct json_out *out)
{
	const yaml_node_t *key = yaml_doc_node(doc, pair->key);
	const char *name = yaml_scalar(key);
	int rv;

	if (name == NULL || strlen(name) > JSON_NAME_BYTES_MAX)
		return yaml_doc_fail(doc, key, CAPQ_EINVAL,
			"a name must be a text of at most %d bytes", JSON_NAME_BYTES_MAX);
	if (pair - node->data.mapping.pairs.start >= JSON_NAMES_MAX)
		return yaml_doc_fail(doc, key, CAPQ_ETOOBIG, "more than %d names in one mapping",
			JSON_NAMES_MAX);
	rv = yaml_doc_refuse_repeated(doc, node, pair);
	if (rv < 0)
		return rv;
	return yaml_doc_to_json(doc, yaml_doc_node(doc, pair->value), name, depth + 1, out);
}

int yaml_doc_to_json(struct yaml_doc *doc, const yaml_node_t *node, const char *name, int depth,
	struct json_out *out)
{
	int rv = yaml_doc_count(doc, node, depth);

	if (rv < 0)
		return rv;
	switch (node->type) {
	case YAML_MAPPING_NODE:
		json_out_object(out, name);
		for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
			p < node->data.mapping.pairs.top && rv == 0; p++)
			rv = pair_to_json(doc, node, p, depth, out);
		json_out_end_object(out);
		return rv;
	case YAML_SEQUENCE_NODE:
		json_out_array(out, name);
		for (yaml_node_item_t *i = node->data.sequence.items.start;
			i < node->data.sequence.items.top && rv == 0; i++)
			rv = yaml_doc_to_json(doc, yaml_doc_node(doc, *i), NULL, depth + 1, out);
		json_out_end_array(out);
		return rv;
	case YAML_SCALAR_NODE:
		scalar_to_json(node, name, out);
		return 0;
	case YAML_NO_NODE:
		break;
	}
	return yaml_doc_fail(doc, node, CAPQ_EINVAL, "expected a value");
}
