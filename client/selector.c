#include "client/selector.h"

#include <stdbool.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

/* The first of `marks` in `text` that stands outside of quotes; the end when there is none. */
static char *find_mark(char *text, const char *marks)
{
	bool is_quoted = false;

	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && strchr(marks, *text) != NULL)
			break;
	}
	return text;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " ");
	for (len = strlen(text); len > 0 && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	return text;
}

/* All of `text` is of these characters, and it is neither too short to mean much nor too long. */
static bool is_beginning(const char *text, const char *characters, size_t max)
{
	size_t len = strlen(text);

	return len >= 4 && len <= max && strspn(text, characters) == len;
}

int selector_check_rev(const char *text, struct err *err)
{
	size_t prefix = strlen("sha256:");

	if (str_starts(text, "sha256:") &&
		is_beginning(text + prefix, "0123456789abcdfghijklmnpqrsvwxyz",
			SELECTOR_REV_MAX - prefix))
		return 0;
	if (is_beginning(text, "0123456789abcdef", 40))
		return 0;
	return err_set(err, CAPQ_EINVAL,
		"revision '%.80s': expected 4 to 40 hexadecimal digits of a commit", text);
}

static int read_attr(char *text, struct selector *out, struct err *err)
{
	struct attr_path path;
	int rv = attr_path_parse(trim(text), &path, err);

	if (rv == 0)
		attr_path_format(&path, out->attr);
	return rv;
}

static int read_caps(char *text, struct selector *out, struct err *err)
{
	struct capability_set set;
	int rv = capability_set_parse(trim(text), &set, err);

	if (rv == 0)
		capability_set_format(&set, out->caps);
	return rv;
}

static int read_rev(char *text, struct selector *out, struct err *err)
{
	int rv = selector_check_rev(trim(text), err);

	if (rv == 0)
		strcpy(out->rev, trim(text)); /* It fits: that was checked. */
	return rv;
}

int selector_parse(const char *text, struct selector *out, struct err *err)
{
	struct selector selector = { 0 };
	cleanup_free char *copy = xstrdup(text);
	char *rest = find_mark(copy, "@#"), *caps = NULL, *rev = NULL;
	int rv = 0;

	if (str_to_int(text, 1, INT64_MAX, &selector.id)) {
		*out = selector;
		return 0;
	}
	if (*rest == '@') {
		*rest++ = '\0';
		caps = rest;
		rest = find_mark(rest, "#");
	}
	if (*rest == '#') {
		*rest++ = '\0';
		rev = rest;
	}
	rv = read_attr(copy, &selector, err);
	if (rv == 0 && caps != NULL)
		rv = read_caps(caps, &selector, err);
	if (rv == 0 && rev != NULL)
		rv = read_rev(rev, &selector, err);
	if (rv == 0)
		*out = selector;
	return rv;
}
