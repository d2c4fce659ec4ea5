/* What can be said of keys without a value: the example file, the manual, and the limits that
 * errors quote. All of it is made from the table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/config.h"
#include "lib/config_value.h"
#include "lib/mem.h"
#include "lib/time_text.h"

#define COMMENT_WIDTH 96
#define MANUAL_WIDTH 78

const char *config_enter_mapping(const char *name, const char *before, int *indent, struct str *out)
{
	const char *dot = strchr(name, '.');
	size_t len = dot == NULL ? 0 : (size_t)(dot - name) + 1;

	if (dot == NULL)
		return name;
	if (before == NULL || strncmp(name, before, len) != 0)
		str_addf(out, "%*s%.*s:\n", *indent, "", (int)len - 1, name);
	*indent += 2;
	return dot + 1;
}

/* ---- facts ---- */

static void add_number(struct str *out, const struct config_key *key, int64_t n)
{
	char text[TIME_TEXT_MAX];

	if (key->type == CONFIG_DURATION)
		duration_to_config(n, text);
	else if (key->type == CONFIG_SIZE)
		size_to_config(n, text);
	else
		(void)snprintf(text, sizeof text, "%" PRId64, n);
	str_add(out, text);
}

void config_describe_limits(const struct config_key *key, struct str *out)
{
	switch (key->type) {
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
		add_number(out, key, key->min);
		str_add(out, " to ");
		add_number(out, key, key->max);
		return;
	case CONFIG_CHOICE:
		for (size_t i = 0; key->choices[i] != NULL; i++)
			str_addf(out, "%s%s", i == 0 ? "" : ", ", key->choices[i]);
		return;
	case CONFIG_TEXTS:
	case CONFIG_ITEMS:
		if (key->min > 0 && key->max > 0)
			str_addf(out, "%" PRId64 " to %" PRId64, key->min, key->max);
		else if (key->max > 0)
			str_addf(out, "at most %" PRId64, key->max);
		return;
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_BOOL:
	case CONFIG_JSON:
		return;
	}
}

static const char *kind_of(const struct config_key *key)
{
	switch (key->type) {
	case CONFIG_TEXT:
		return "text";
	case CONFIG_PATH:
		return "absolute path";
	case CONFIG_BOOL:
		return "true or false";
	case CONFIG_INT:
		return "whole number";
	case CONFIG_DURATION:
		return "duration";
	case CONFIG_SIZE:
		return "size";
	case CONFIG_CHOICE:
		return "one of";
	case CONFIG_TEXTS:
		return "list of texts";
	case CONFIG_JSON:
		return "mapping";
	case CONFIG_ITEMS:
		return "list of mappings";
	}
	return "";
}

/* "duration, 1s to 1d; default 10m; reloadable" */
static void add_facts(struct str *out, const struct config_key *key)
{
	cleanup_str struct str limits = { 0 };

	config_describe_limits(key, &limits);
	str_add(out, kind_of(key));
	if (limits.len > 0)
		str_addf(out, "%s %s", key->type == CONFIG_CHOICE ? "" : ",", str_text(&limits));
	if (key->is_required)
		str_add(out, "; required");
	else if (key->fallback != NULL)
		str_addf(out, "; default %s", key->fallback);
	str_add(out, key->is_reloadable ? "; reloadable" : "; taken at start");
}

/* Take the next line of at most `width` bytes from `*text`, cut at a blank where there is one.
 * Returns its length, and 0 at the end. */
static size_t next_line(const char **text, size_t width)
{
	size_t len;

	while (**text == ' ')
		++*text;
	len = strlen(*text);
	if (len <= width)
		return len;
	for (size_t i = width; i > 0; i--)
		if ((*text)[i] == ' ')
			return i;
	return strcspn(*text, " ");
}

/* ---- the example file ---- */

static void add_comment(struct str *out, const char *text, int indent)
{
	size_t len;

	while ((len = next_line(&text, (size_t)(COMMENT_WIDTH - indent - 2))) > 0) {
		str_addf(out, "%*s# %.*s\n", indent, "", (int)len, text);
		text += len;
	}
}

/* A default list stands in the table as words; in the file it is "[a, b]". */
static void add_words(struct str *out, const char *words)
{
	str_add_char(out, '[');
	for (; *words != '\0'; words++) {
		if (*words == ' ')
			str_add_char(out, ',');
		str_add_char(out, *words);
	}
	str_add_char(out, ']');
}

static void add_example_value(struct str *out, const struct config_key *key)
{
	const char *value = key->example != NULL ? key->example : key->fallback;

	if (value == NULL)
		return;
	str_add_char(out, ' ');
	if (key->type == CONFIG_TEXTS && key->example == NULL)
		add_words(out, value);
	else
		str_add(out, value);
}

/* One key: its comment, and its line. `mark` is "" for one that is set, "#" for one that is a
 * comment, "#- " for the first of an entry of a list. */
static void add_example(struct str *out, const struct config_key *key, const char *name,
	const char *mark, int indent)
{
	cleanup_str struct str facts = { 0 };

	str_add_char(&facts, '(');
	add_facts(&facts, key);
	str_add_char(&facts, ')');
	add_comment(out, key->help, indent);
	add_comment(out, str_text(&facts), indent);
	str_addf(out, "%*s%s%s:", indent, "", mark, name);
	add_example_value(out, key);
	str_add_char(out, '\n');
}

/* `is_item`: inside a list of mappings, which is a comment as a whole. */
static void example_at(const struct config_table *table, int indent, bool is_item, struct str *out)
{
	const char *before = NULL;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		int at = indent;
		const char *name;

		if (i > 0)
			str_add_char(out, '\n');
		name = config_enter_mapping(key->name, before, &at, out);
		if (is_item && i == 0)
			add_example(out, key, name, "#- ", at - 2);
		else
			add_example(out, key, name, key->is_required && !is_item ? "" : "#", at);
		if (key->type == CONFIG_ITEMS)
			example_at(key->items, at + 4, true, out);
		before = key->name;
	}
}

void config_print_example(const struct config_table *table, struct str *out)
{
	example_at(table, 0, false, out);
}

/* ---- the manual ---- */

/* A line of text for mdoc(7): no character of it is taken for a request or an escape. */
static void add_roff(struct str *out, const char *text, size_t len)
{
	if (len > 0 && (text[0] == '.' || text[0] == '\''))
		str_add(out, "\\&");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			str_add(out, "\\e");
		else if (text[i] == '-')
			str_add(out, "\\-");
		else if (text[i] == '~')
			str_add(out, "\\(ti");
		else if (text[i] == '^')
			str_add(out, "\\(ha");
		else if (text[i] == '`')
			str_add(out, "\\(ga");
		else
			str_add_char(out, text[i]);
	}
	str_add_char(out, '\n');
}

/* Sentences begin on lines of their own, so that mandoc knows where they end. */
static void add_paragraph(struct str *out, const char *text)
{
	while (*text != '\0') {
		const char *end = strstr(text, ". ");
		size_t sentence = end == NULL ? strlen(text) : (size_t)(end - text) + 1;
		cleanup_free char *copy = xstrndup(text, sentence);
		const char *rest = copy;
		size_t len;

		while ((len = next_line(&rest, MANUAL_WIDTH)) > 0) {
			add_roff(out, rest, len);
			rest += len;
		}
		text += sentence;
		while (*text == ' ')
			text++;
	}
}

static void manual_at(const struct config_table *table, const char *within, struct str *out)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		cleanup_str struct str facts = { 0 };

		str_addf(out, ".It Ic %s%s\n", within, key->name);
		str_add_char(&facts, '(');
		add_facts(&facts, key);
		str_add_char(&facts, ')');
		add_paragraph(out, str_text(&facts));
		str_add(out, ".br\n");
		add_paragraph(out, key->help);
		if (key->type == CONFIG_ITEMS) {
			cleanup_free char *inner = str_format("%s%s[].", within, key->name);

			manual_at(key->items, inner, out);
		}
	}
}

void config_print_manual(const struct config_table *table, struct str *out)
{
	str_add(out, ".Bl -tag -width Ds\n");
	manual_at(table, "", out);
	str_add(out, ".El\n");
}
