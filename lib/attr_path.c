#include "lib/attr_path.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/str.h"

/* Nix's lexer: ID = [a-zA-Z_][a-zA-Z0-9_'-]*. Nixpkgs also has attributes that begin with a digit
 * ("_7zz" is spelled so for that reason), which need quotes in Nix and hence here. */
static bool starts_identifier(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool continues_identifier(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '\'' || c == '-';
}

static int read_quoted(const char **text, char **out, struct err *err)
{
	const char *p = *text + 1;

	for (; *p != '"'; p++) {
		if (*p == '\0')
			return err_set(err, CAPQ_EINVAL, "a quote is not closed");
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, CAPQ_EINVAL, "it holds a control character");
		if (*p == '\\' && *++p != '"' && *p != '\\')
			return err_set(err, CAPQ_EINVAL,
				"a backslash stands only before a quote or another backslash");
		*(*out)++ = *p;
	}
	*text = p + 1;
	return 0;
}

static int read_identifier(const char **text, char **out, struct err *err)
{
	const char *p = *text;

	if (*p == '.' || *p == '\0')
		return err_set(
			err, CAPQ_EINVAL, "an element is empty (two dots, or one at the edge)");
	if (!starts_identifier(*p))
		return err_set(err, CAPQ_EINVAL,
			"an element begins with '%.1s'; put such an element in double quotes",
			isprint((unsigned char)*p) ? p : "?");
	while (continues_identifier(*p))
		*(*out)++ = *p++;
	if (*p != '.' && *p != '\0')
		return err_set(err, CAPQ_EINVAL,
			"the character '%.1s' needs double quotes around its element",
			isprint((unsigned char)*p) ? p : "?");
	*text = p;
	return 0;
}

static int parse(const char *text, struct attr_path *path, struct err *err)
{
	char *out = path->storage;

	if (*text == '\0')
		return err_set(err, CAPQ_EINVAL, "it is empty");
	if (strlen(text) > ATTR_PATH_TEXT_MAX)
		return err_set(err, CAPQ_EINVAL, "it is longer than %d bytes", ATTR_PATH_TEXT_MAX);
	if (!str_is_utf8(text, strlen(text)))
		return err_set(err, CAPQ_EINVAL, "it is not UTF-8");
	for (;;) {
		char *element = out;
		int rv;

		if (path->n == ATTR_PATH_ELEMENTS_MAX)
			return err_set(err, CAPQ_EINVAL, "it has more than %d elements",
				ATTR_PATH_ELEMENTS_MAX);
		rv = *text == '"' ? read_quoted(&text, &out, err)
				  : read_identifier(&text, &out, err);
		if (rv < 0)
			return rv;
		if (out == element)
			return err_set(err, CAPQ_EINVAL, "an element is empty");
		*out++ = '\0';
		path->elements[path->n++] = element;
		if (*text == '\0')
			return 0;
		if (*text++ != '.')
			return err_set(err, CAPQ_EINVAL, "a quoted element must end at a dot");
	}
}

int attr_path_parse(const char *text, struct attr_path *out, struct err *err)
{
	int rv;

	memset(out, 0, sizeof *out);
	rv = parse(text, out, err);
	if (rv < 0)
		return err_wrap(err, "attribute path '%.*s'", ATTR_PATH_TEXT_MAX, text);
	return 0;
}

static bool is_identifier(const char *text)
{
	if (!starts_identifier(*text))
		return false;
	while (continues_identifier(*text))
		text++;
	return *text == '\0';
}

void attr_path_format(const struct attr_path *path, char out[2 * ATTR_PATH_TEXT_MAX])
{
	for (size_t i = 0; i < path->n; i++) {
		const char *p = path->elements[i];
		bool quote = !is_identifier(p);

		if (i > 0)
			*out++ = '.';
		if (quote)
			*out++ = '"';
		for (; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				*out++ = '\\';
			*out++ = *p;
		}
		if (quote)
			*out++ = '"';
	}
	*out = '\0';
}
