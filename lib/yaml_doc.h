/* One YAML document whose every node knows its line: what lib/config_read reads with, and nothing
 * else.
 *
 * Aliases are nodes that occur twice; they can nest for ever, and make a small file large. So depth
 * is bounded, and so is what is read: whoever looks at a node's value calls yaml_doc_count() first.
 */
#ifndef CAPQ_LIB_YAML_DOC_H
#define CAPQ_LIB_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "lib/err.h"
#include "lib/json.h"

#define YAML_DEPTH_MAX 16
#define YAML_VALUES_MAX 200000
#define YAML_BYTES_MAX (4u << 20) /* Of all scalars that are read. */

struct yaml_doc {
	const char *path; /* For errors; borrowed. */
	struct err *err;  /* Where they go; borrowed. */
	yaml_document_t document;
	size_t n_values, n_bytes; /* Read so far. */
};

/* Load the one document in `text`. CAPQ_EINVAL: no YAML, a second document, or a NUL in a scalar.
 * CAPQ_ETOOBIG: nested too deep. yaml_doc_finish() frees; on failure there is nothing to free. */
int yaml_doc_load(
	const char *text, size_t len, const char *path, struct yaml_doc *out, struct err *err);
void yaml_doc_finish(struct yaml_doc *doc);

/* Set the error to "PATH:LINE: <formatted>". Returns `code`. */
int yaml_doc_fail(struct yaml_doc *doc, const yaml_node_t *node, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Count a node that is about to be read at `depth`. CAPQ_ETOOBIG when it is one too many. */
int yaml_doc_count(struct yaml_doc *doc, const yaml_node_t *node, int depth);

/* CAPQ_EINVAL when `pair` of the mapping `node` has the name of a pair before it. */
int yaml_doc_refuse_repeated(
	struct yaml_doc *doc, const yaml_node_t *node, const yaml_node_pair_t *pair);

const yaml_node_t *yaml_doc_node(struct yaml_doc *doc, int index);

/* The text of a scalar, NULL for other nodes. */
const char *yaml_scalar(const yaml_node_t *node);

bool yaml_is_null(const yaml_node_t *node);

/* Append `node`, which is at `depth`, as JSON: YAML 1.2's core schema as far as JSON has the types.
 * What is quoted is a string, and so is a number in a spelling that JSON lacks. `name` is the
 * member's name, escaped; NULL: none. */
int yaml_doc_to_json(struct yaml_doc *doc, const yaml_node_t *node, const char *name, int depth,
	struct json_out *out);

#endif
