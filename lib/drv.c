#include "lib/drv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/store_path.h"

/* The parser walks the text once and unescapes strings where they stand: an unescaped string is
 * never longer than its source, so its NUL always finds room (at the latest in place of the closing
 * quote). */
struct reader {
	char *start, *at, *end;
	struct err *err;
};

static int fail(struct reader *r, const char *what)
{
	(void)err_set(r->err, CAPQ_EINVAL, "derivation: %s at byte %td", what, r->at - r->start);
	return CAPQ_EINVAL;
}

static int expect(struct reader *r, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0) {
		char what[32];

		(void)snprintf(what, sizeof what, "expected '%s'", text);
		return fail(r, what);
	}
	r->at += len;
	return 0;
}

static bool next_is(const struct reader *r, char c)
{
	return r->at < r->end && *r->at == c;
}

static char unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

static int read_string(struct reader *r, const char **out)
{
	char *from, *to;

	if (!next_is(r, '"'))
		return fail(r, "expected a string");
	from = to = ++r->at;
	while (from < r->end && *from != '"') {
		if (*from == '\\' && from + 1 < r->end)
			*to = unescape(*++from);
		else
			*to = *from;
		if (*from++ == '\0')
			return fail(r, "a NUL in the string");
		to++;
	}
	if (from == r->end)
		return fail(r, "the string does not end");
	*out = r->at;
	*to = '\0';
	r->at = from + 1;
	return 0;
}

static int read_store_path(struct reader *r, const char **out)
{
	int rv = read_string(r, out);

	if (rv == 0 && !store_path_is_valid(*out, strlen(*out)))
		return fail(r, "what is no store path ends");
	return rv;
}

/* Read "[" items "]", calling `item` for each. */
static int read_list(struct reader *r, int (*item)(struct reader *, struct drv *), struct drv *drv)
{
	int rv = expect(r, "[");

	if (rv < 0)
		return rv;
	if (next_is(r, ']'))
		return expect(r, "]");
	for (;;) {
		rv = item(r, drv);
		if (rv < 0)
			return rv;
		if (next_is(r, ']'))
			return expect(r, "]");
		rv = expect(r, ",");
		if (rv < 0)
			return rv;
	}
}

/* The arrays grow to the next power of two; their capacity follows from their length. */
static void *grow(void *items, size_t n, size_t size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	return xrealloc(items, (n == 0 ? 1 : 2 * n) * size);
}

static int read_output(struct reader *r, struct drv *drv)
{
	struct drv_output output;
	const char *algorithm, *hash;

	if (drv->n_outputs == DRV_OUTPUTS_MAX)
		return fail(r, "too many outputs");
	if (expect(r, "(") < 0 || read_string(r, &output.name) < 0 || expect(r, ",") < 0 ||
		read_string(r, &output.path) < 0 || expect(r, ",") < 0 ||
		read_string(r, &algorithm) < 0 || expect(r, ",") < 0 || read_string(r, &hash) < 0 ||
		expect(r, ")") < 0)
		return CAPQ_EINVAL;
	if (output.path[0] == '\0')
		return fail(r, "an output without a path (content-addressed) is not supported");
	if (!store_path_is_valid(output.path, strlen(output.path)))
		return fail(r, "an output that is no store path");
	if (output.name[0] == '\0')
		return fail(r, "an output without a name");
	if (hash[0] != '\0')
		drv->is_fixed = true;
	drv->outputs = grow(drv->outputs, drv->n_outputs, sizeof *drv->outputs);
	drv->outputs[drv->n_outputs++] = output;
	return 0;
}

/* The names of an input are packed to the front of where their list stands: "a\0b\0\0". Each was at
 * least two quotes and a separator long, so there is room. */
static int read_output_names(struct reader *r, const char **out)
{
	char *to;

	if (expect(r, "[") < 0)
		return CAPQ_EINVAL;
	*out = to = r->at;
	while (!next_is(r, ']')) {
		const char *name;
		size_t len;

		if (to != *out && expect(r, ",") < 0)
			return CAPQ_EINVAL;
		if (read_string(r, &name) < 0)
			return CAPQ_EINVAL;
		len = strlen(name);
		if (len == 0)
			return fail(r, "an empty output name");
		memmove(to, name, len + 1);
		to += len + 1;
	}
	if (to == *out)
		return fail(r, "an input of which no output is wanted");
	r->at++; /* The bracket, in whose place the list's end may come. */
	*to = '\0';
	return 0;
}

static int read_input(struct reader *r, struct drv *drv)
{
	struct drv_input input;

	if (expect(r, "(") < 0 || read_store_path(r, &input.path) < 0)
		return CAPQ_EINVAL;
	if (!store_path_is_drv(input.path))
		return fail(r, "an input that is no derivation");
	if (expect(r, ",") < 0 || read_output_names(r, &input.outputs) < 0 || expect(r, ")") < 0)
		return CAPQ_EINVAL;
	drv->inputs = grow(drv->inputs, drv->n_inputs, sizeof *drv->inputs);
	drv->inputs[drv->n_inputs++] = input;
	return 0;
}

static int read_source(struct reader *r, struct drv *drv)
{
	const char *path;

	if (read_store_path(r, &path) < 0)
		return CAPQ_EINVAL;
	drv->sources = grow(drv->sources, drv->n_sources, sizeof *drv->sources);
	drv->sources[drv->n_sources++] = path;
	return 0;
}

static int skip_argument(struct reader *r, struct drv *drv)
{
	const char *argument;

	(void)drv;
	return read_string(r, &argument);
}

static int read_variable(struct reader *r, struct drv *drv)
{
	const char *name, *value;

	if (expect(r, "(") < 0 || read_string(r, &name) < 0 || expect(r, ",") < 0 ||
		read_string(r, &value) < 0 || expect(r, ")") < 0)
		return CAPQ_EINVAL;
	if (strcmp(name, "name") == 0)
		drv->name = value;
	else if (strcmp(name, "pname") == 0)
		drv->pname = value;
	else if (strcmp(name, "requiredSystemFeatures") == 0 && value[0] != '\0')
		drv->features = value;
	else if (strcmp(name, "__json") == 0)
		drv->json = value;
	return 0;
}

static int read_derivation(struct reader *r, struct drv *drv)
{
	const char *builder;

	if (r->end - r->at >= 4 && memcmp(r->at, "DrvW", 4) == 0)
		return fail(r, "a dynamic derivation, which is not supported,");
	if (expect(r, "Derive(") < 0 || read_list(r, read_output, drv) < 0 || expect(r, ",") < 0 ||
		read_list(r, read_input, drv) < 0 || expect(r, ",") < 0 ||
		read_list(r, read_source, drv) < 0 || expect(r, ",") < 0 ||
		read_string(r, &drv->system) < 0 || expect(r, ",") < 0 ||
		read_string(r, &builder) < 0 || expect(r, ",") < 0 ||
		read_list(r, skip_argument, drv) < 0 || expect(r, ",") < 0 ||
		read_list(r, read_variable, drv) < 0 || expect(r, ")") < 0)
		return CAPQ_EINVAL;
	if (r->at != r->end)
		return fail(r, "something stands behind the term");
	if (drv->n_outputs == 0)
		return fail(r, "no outputs");
	return 0;
}

static const char *keep(char **memory, const char *text)
{
	const char *kept = *memory;

	if (text == NULL)
		return NULL;
	*memory = stpcpy(*memory, text) + 1;
	return kept;
}

/* A list of strings, or one string, separated by blanks. */
static const char *keep_words(char **memory, const struct json *words)
{
	char *start = *memory, *to = start;

	if (json_text(words) != NULL)
		return keep(memory, json_text(words));
	for (const struct json *w = json_first(words); w != NULL; w = json_next(w)) {
		if (json_text(w) == NULL)
			continue;
		if (to != start)
			*to++ = ' ';
		to = stpcpy(to, json_text(w));
	}
	*memory = to + 1;
	return start;
}

/* Structured attributes are no variables of the builder but one JSON text. What Nix took and
 * lib/json does not (a number beyond 10^99, say) tells us nothing. No value is longer than its
 * JSON, so all of them fit in as much memory. */
static void read_structured_attributes(struct drv *drv)
{
	cleanup_json struct json *json = NULL;
	const char *name, *features;
	char *memory;

	if (drv->json == NULL || json_parse(drv->json, strlen(drv->json), &json, NULL) < 0)
		return;
	memory = drv->from_json = xcalloc(1, strlen(drv->json) + 1);
	name = keep(&memory, json_text(json_get(json, "name")));
	if (name != NULL)
		drv->name = name;
	drv->pname = keep(&memory, json_text(json_get(json, "pname")));
	features = keep_words(&memory, json_get(json, "requiredSystemFeatures"));
	drv->features = features[0] == '\0' ? NULL : features;
}

int drv_parse(char *text, size_t len, struct drv *out, struct err *err)
{
	struct reader r = { .end = text + len, .err = err };
	struct drv drv = { .name = "", .system = "" };

	r.start = r.at = text;
	if (len > DRV_SIZE_MAX)
		return err_set(err, CAPQ_ETOOBIG, "derivation: more than %u bytes", DRV_SIZE_MAX);
	if (read_derivation(&r, &drv) < 0) {
		drv_finish(&drv);
		return CAPQ_EINVAL;
	}
	read_structured_attributes(&drv);
	*out = drv;
	return 0;
}

void drv_finish(struct drv *drv)
{
	free(drv->outputs);
	free(drv->inputs);
	free(drv->sources);
	free(drv->from_json);
	*drv = (struct drv){ 0 };
}

bool drv_input_names(const struct drv_input *input, const char *name)
{
	for (const char *p = input->outputs; *p != '\0'; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}
