/* docs/openapi.yaml describes what capqd serves: every method of its table and nothing else, with
 * the same name, role, query parameters and whether there is a body. */
#include "tests/support/cmocka_all.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/method.h"
#include "lib/job_json.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/yaml_doc.h"

static const char *const roles[] = { "none", "read", "submit", "admin" };

struct description {
	struct yaml_doc doc;
	const yaml_node_t *root;
};

/* ---- reading it ---- */

static int setup(void **state)
{
	struct description *d = xcalloc(1, sizeof *d);
	cleanup_free char *path = str_format("%s/docs/openapi.yaml", getenv("CAPQ_SOURCE"));
	FILE *f = fopen(path, "r");
	yaml_parser_t parser;

	assert_non_null(f);
	assert_int_equal(yaml_parser_initialize(&parser), 1);
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &d->doc.document) == 0)
		fail_msg("%s:%zu: %s", path, parser.problem_mark.line + 1, parser.problem);
	yaml_parser_delete(&parser);
	(void)fclose(f);
	d->root = yaml_document_get_root_node(&d->doc.document);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct description *d = *state;

	yaml_document_delete(&d->doc.document);
	free(d);
	return 0;
}

/* The value of a mapping's `key`; NULL: it has none, or there is no mapping. */
static const yaml_node_t *get(struct description *d, const yaml_node_t *node, const char *key)
{
	if (node == NULL || node->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top; pair++)
		if (strcmp(yaml_scalar(yaml_doc_node(&d->doc, pair->key)), key) == 0)
			return yaml_doc_node(&d->doc, pair->value);
	return NULL;
}

static const char *text(struct description *d, const yaml_node_t *node, const char *key)
{
	const yaml_node_t *value = get(d, node, key);

	return value == NULL ? "" : yaml_scalar(value);
}

/* What {$ref: "#/components/parameters/Id"} leads to; other nodes are themselves. */
static const yaml_node_t *resolve(struct description *d, const yaml_node_t *node)
{
	cleanup_free char *ref = xstrdup(text(d, node, "$ref"));
	char *rest = ref, *part;
	const yaml_node_t *at = d->root;

	if (ref[0] == '\0')
		return node;
	assert_string_equal(strsep(&rest, "/"), "#");
	while ((part = strsep(&rest, "/")) != NULL)
		at = get(d, at, part);
	if (at == NULL)
		fail_msg("%s leads nowhere", text(d, node, "$ref"));
	return at;
}

/* ---- parameters ---- */

static bool has_word(const char *words, const char *word)
{
	cleanup_free char *copy = xstrdup(words);
	char *rest = copy, *part;

	while ((part = strsep(&rest, " ")) != NULL)
		if (strcmp(part, word) == 0)
			return true;
	return false;
}

/* Append the names of the parameters that are in `place` ("query"), separated by blanks. */
static void add_parameters(
	struct description *d, const yaml_node_t *list, const char *place, struct str *out)
{
	if (list == NULL)
		return;
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
		item < list->data.sequence.items.top; item++) {
		const yaml_node_t *parameter = resolve(d, yaml_doc_node(&d->doc, *item));

		if (strcmp(text(d, parameter, "in"), place) == 0)
			str_addf(out, "%s%s", out->len > 0 ? " " : "", text(d, parameter, "name"));
	}
}

static void assert_same_words(const char *what, const char *served, const char *described)
{
	cleanup_free char *a = xstrdup(served), *b = xstrdup(described);
	char *rest = a, *part;

	while ((part = strsep(&rest, " ")) != NULL)
		if (part[0] != '\0' && !has_word(described, part))
			fail_msg("%s: the parameter '%s' is not described", what, part);
	rest = b;
	while ((part = strsep(&rest, " ")) != NULL)
		if (part[0] != '\0' && !has_word(served, part))
			fail_msg("%s: the parameter '%s' means nothing", what, part);
}

/* ---- the tests ---- */

static const yaml_node_t *operation(struct description *d, const char *path, const char *verb)
{
	cleanup_free char *small = xstrdup(verb);

	for (char *c = small; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return get(d, get(d, get(d, d->root, "paths"), path), small);
}

static void what_is_served_is_described(void **state)
{
	struct description *d = *state;

	for (const struct method *const *m = api_methods; *m != NULL; m++) {
		const yaml_node_t *path = get(d, get(d, d->root, "paths"), (*m)->path);
		const yaml_node_t *op = operation(d, (*m)->path, (*m)->verb);
		cleanup_str struct str query = { 0 }, in_path = { 0 };

		if (op == NULL)
			fail_msg("%s %s is not described", (*m)->verb, (*m)->path);
		assert_string_equal(text(d, op, "operationId"), (*m)->name);
		assert_string_equal(text(d, op, "x-role"), roles[(*m)->role]);
		assert_true(text(d, op, "summary")[0] != '\0');
		add_parameters(d, get(d, op, "parameters"), "query", &query);
		add_parameters(d, get(d, path, "parameters"), "query", &query);
		assert_same_words((*m)->name, (*m)->query, str_text(&query));
		add_parameters(d, get(d, path, "parameters"), "path", &in_path);
		assert_string_equal(
			str_text(&in_path), strstr((*m)->path, "{id}") == NULL ? "" : "id");
		if ((get(d, op, "requestBody") != NULL) != ((*m)->body != BODY_NONE))
			fail_msg("%s: is there a body?", (*m)->name);
	}
}

static bool is_served(const char *path, const char *verb)
{
	for (const struct method *const *m = api_methods; *m != NULL; m++)
		if (strcmp((*m)->path, path) == 0 && strcasecmp((*m)->verb, verb) == 0)
			return true;
	return false;
}

static void what_is_described_is_served(void **state)
{
	struct description *d = *state;
	const yaml_node_t *paths = get(d, d->root, "paths");
	size_t n = 0;

	for (const yaml_node_pair_t *p = paths->data.mapping.pairs.start;
		p < paths->data.mapping.pairs.top; p++) {
		const char *path = yaml_scalar(yaml_doc_node(&d->doc, p->key));
		const yaml_node_t *verbs = yaml_doc_node(&d->doc, p->value);

		for (const yaml_node_pair_t *v = verbs->data.mapping.pairs.start;
			v < verbs->data.mapping.pairs.top; v++) {
			const char *verb = yaml_scalar(yaml_doc_node(&d->doc, v->key));

			if (strcmp(verb, "parameters") == 0)
				continue;
			if (!is_served(path, verb))
				fail_msg("%s %s is not served", verb, path);
			n++;
		}
	}
	for (const struct method *const *m = api_methods; *m != NULL; m++)
		n--;
	assert_int_equal(n, 0);
}

/* Every {$ref: ...} of the file leads somewhere. */
static void references_lead_somewhere(void **state)
{
	struct description *d = *state;
	size_t n = 0;

	for (int i = 1;; i++) {
		const yaml_node_t *node = yaml_document_get_node(&d->doc.document, i);

		if (node == NULL)
			break;
		if (get(d, node, "$ref") != NULL) {
			assert_non_null(resolve(d, node));
			n++;
		}
	}
	assert_true(n > 20);
}

/* ---- what records look like ---- */

static const yaml_node_t *schema(struct description *d, const char *name)
{
	return get(d, get(d, get(d, d->root, "components"), "schemas"), name);
}

static const yaml_node_t *enum_of(struct description *d, const char *name, const char *member)
{
	return get(d, get(d, get(d, schema(d, name), "properties"), member), "enum");
}

/* `list` holds the `n` names that `name_of` gives, in their order, and perhaps null. */
static void assert_lists(struct description *d, const yaml_node_t *list, int from, int n,
	const char *(*name_of)(int))
{
	const yaml_node_item_t *item = list->data.sequence.items.start;

	for (int i = from; i < n; i++, item++) {
		assert_true(item < list->data.sequence.items.top);
		assert_string_equal(yaml_scalar(yaml_doc_node(&d->doc, *item)), name_of(i));
	}
	for (; item < list->data.sequence.items.top; item++)
		assert_true(yaml_is_null(yaml_doc_node(&d->doc, *item)));
}

static const char *job_name(int i)
{
	return job_state_name((enum job_state)i);
}

static const char *build_name(int i)
{
	return build_state_name((enum build_state)i);
}

static const char *class_name(int i)
{
	return failure_name((enum failure)i);
}

static void names_are_listed(void **state)
{
	struct description *d = *state;

	assert_lists(d, enum_of(d, "Job", "state"), 0, JOB_STATES, job_name);
	assert_lists(d, enum_of(d, "Build", "state"), 0, BUILD_STATES, build_name);
	assert_lists(d, enum_of(d, "Job", "failure_class"), 1, FAILURE_CLASSES, class_name);
}

/* Every member that is written is described, and every one that is required is written. */
static void assert_described(struct description *d, const char *name, const struct json_out *out)
{
	const yaml_node_t *required = get(d, schema(d, name), "required");
	const yaml_node_t *properties = get(d, schema(d, name), "properties");
	cleanup_json struct json *json = NULL;

	assert_int_equal(json_parse(out->text.text, out->text.len, &json, NULL), 0);
	for (const struct json *v = json_first(json); v != NULL; v = json_next(v))
		if (get(d, properties, json_name(v)) == NULL)
			fail_msg("%s: '%s' is not described", name, json_name(v));
	for (const yaml_node_item_t *item = required->data.sequence.items.start;
		item < required->data.sequence.items.top; item++)
		if (json_get(json, yaml_scalar(yaml_doc_node(&d->doc, *item))) == NULL)
			fail_msg("%s: '%s' is not written", name,
				yaml_scalar(yaml_doc_node(&d->doc, *item)));
}

static void records_are_described(void **state)
{
	static char text[] = "8.6";
	struct job job = { .attr = text,
		.caps = text,
		.flavour = text,
		.rev = text,
		.rev_from = text,
		.system = text,
		.submitter = text };
	struct build build = {
		.drv_path = text, .name = text, .system = text, .features = text, .outputs = text
	};
	struct json_out job_out = { 0 }, build_out = { 0 };
	static char outputs[] = "{}";

	job.outputs = build.outputs = outputs;
	job_to_json(&job, &job_out, NULL);
	assert_described(*state, "Job", &job_out);
	build_to_json(&build, &build_out, NULL);
	assert_described(*state, "Build", &build_out);
	str_free(&job_out.text);
	str_free(&build_out.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_served_is_described),
		cmocka_unit_test(what_is_described_is_served),
		cmocka_unit_test(references_lead_somewhere),
		cmocka_unit_test(names_are_listed),
		cmocka_unit_test(records_are_described),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
