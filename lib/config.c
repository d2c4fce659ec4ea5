/* Printing, comparing and freeing of values; reading them is config_read.c. */
#include "lib/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_value.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/time_text.h"

/* ---- freeing ---- */

static void free_value(const struct config_key *key, void *values)
{
	struct texts *texts = config_value(key, values);
	struct items *items = config_value(key, values);

	switch (key->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_JSON:
		free(*(char **)config_value(key, values));
		break;
	case CONFIG_TEXTS:
		for (size_t i = 0; i < texts->n; i++)
			free(texts->items[i]);
		free(texts->items);
		break;
	case CONFIG_ITEMS:
		for (size_t i = 0; i < items->n; i++)
			config_finish(key->items, (char *)items->items + i * key->items->size);
		free(items->items);
		break;
	case CONFIG_BOOL:
	case CONFIG_INT:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
	case CONFIG_CHOICE:
		break;
	}
}

void config_finish(const struct config_table *table, void *values)
{
	for (size_t i = 0; i < table->n_keys; i++)
		free_value(&table->keys[i], values);
	memset(values, 0, table->size);
}

/* ---- printing values ---- */

/* JSON strings are YAML strings. */
static void add_quoted(struct str *out, const char *text)
{
	struct json_out json = { 0 };

	json_out_text(&json, NULL, text);
	str_add(out, str_text(&json.text));
	str_free(&json.text);
}

static void add_texts(struct str *out, const struct texts *texts)
{
	str_add_char(out, '[');
	for (size_t i = 0; i < texts->n; i++) {
		if (i > 0)
			str_add(out, ", ");
		add_quoted(out, texts->items[i]);
	}
	str_add_char(out, ']');
}

static void print_at(
	const struct config_table *table, const void *values, int indent, struct str *out);

static void add_items(
	struct str *out, const struct config_key *key, const struct items *items, int indent)
{
	if (items->n == 0)
		str_add(out, " []");
	for (size_t i = 0; i < items->n; i++) {
		size_t from;

		str_add_char(out, '\n');
		from = out->len;
		print_at(key->items, (const char *)items->items + i * key->items->size, indent + 4,
			out);
		out->text[from + (size_t)indent + 2] = '-';
		out->text[--out->len] = '\0'; /* The caller ends the line. */
	}
}

static void add_value(struct str *out, const struct config_key *key, const void *values, int indent)
{
	const void *value = config_value_const(key, values);
	char text[TIME_TEXT_MAX];

	switch (key->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
		str_add_char(out, ' ');
		if (*(char *const *)value == NULL)
			str_add(out, "null");
		else
			add_quoted(out, *(char *const *)value);
		return;
	case CONFIG_JSON:
		str_addf(out, " %s", *(char *const *)value);
		return;
	case CONFIG_BOOL:
		str_add(out, *(const bool *)value ? " true" : " false");
		return;
	case CONFIG_INT:
		str_addf(out, " %" PRId64, *(const int64_t *)value);
		return;
	case CONFIG_DURATION:
		duration_to_config(*(const int64_t *)value, text);
		str_addf(out, " %s", text);
		return;
	case CONFIG_SIZE:
		size_to_config(*(const int64_t *)value, text);
		str_addf(out, " %s", text);
		return;
	case CONFIG_CHOICE:
		str_addf(out, " %s", key->choices[*(const int *)value]);
		return;
	case CONFIG_TEXTS:
		str_add_char(out, ' ');
		add_texts(out, value);
		return;
	case CONFIG_ITEMS:
		add_items(out, key, value, indent);
		return;
	}
}

/* Begin the mapping that `name` ("evaluator.timeout") lies in unless the key before did already.
 * Returns the name within it. */
static const char *enter_mapping(const char *name, const char *before, int *indent, struct str *out)
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

static void print_at(
	const struct config_table *table, const void *values, int indent, struct str *out)
{
	const char *before = NULL;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		int at = indent;
		const char *name = enter_mapping(key->name, before, &at, out);

		str_addf(out, "%*s%s:", at, "", name);
		add_value(out, key, values, at);
		str_add_char(out, '\n');
		before = key->name;
	}
}

void config_print(const struct config_table *table, const void *values, struct str *out)
{
	print_at(table, values, 0, out);
}

/* ---- explaining keys ---- */

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

static void add_limit(struct str *out, const struct config_key *key, int64_t limit)
{
	char text[TIME_TEXT_MAX];

	if (key->type == CONFIG_DURATION)
		duration_to_config(limit, text);
	else if (key->type == CONFIG_SIZE)
		size_to_config(limit, text);
	else
		(void)snprintf(text, sizeof text, "%" PRId64, limit);
	str_add(out, text);
}

/* "duration, 1s to 1d; default 10m; reloadable" */
static void add_facts(struct str *out, const struct config_key *key)
{
	str_add(out, kind_of(key));
	for (size_t i = 0; key->type == CONFIG_CHOICE && key->choices[i] != NULL; i++)
		str_addf(out, "%s %s", i == 0 ? "" : ",", key->choices[i]);
	if (key->type == CONFIG_INT || key->type == CONFIG_DURATION || key->type == CONFIG_SIZE) {
		str_add(out, ", ");
		add_limit(out, key, key->min);
		str_add(out, " to ");
		add_limit(out, key, key->max);
	}
	if (key->is_required)
		str_add(out, "; required");
	else if (key->fallback != NULL && key->fallback[0] != '\0')
		str_addf(out, "; default %s", key->fallback);
	str_add(out, key->is_reloadable ? "; reloadable" : "; taken at start");
}

/* `help` as comment lines of at most 92 characters behind the indent. */
static void add_comment(struct str *out, const char *help, int indent)
{
	while (*help != '\0') {
		size_t room = (size_t)(92 - indent), len = strlen(help);

		if (len > room) {
			len = room;
			while (len > 0 && help[len] != ' ')
				len--;
		}
		str_addf(out, "%*s# %.*s\n", indent, "", (int)len, help);
		help += len;
		while (*help == ' ')
			help++;
	}
}

static void example_at(
	const struct config_table *table, int indent, const char *mark, struct str *out);

static void add_example_value(
	struct str *out, const struct config_key *key, int indent, const char *mark)
{
	const char *value = key->example != NULL ? key->example : key->fallback;

	if (key->type == CONFIG_ITEMS) {
		str_add_char(out, '\n');
		example_at(key->items, indent + 4, mark, out);
		return;
	}
	if (key->type == CONFIG_TEXTS && key->example == NULL)
		str_addf(out, " [%s]\n", value == NULL ? "" : value);
	else
		str_addf(out, " %s\n", value == NULL ? "" : value);
}

/* `mark` is "#" inside a list of mappings that the file leaves out: its keys stay comments. */
static void example_at(
	const struct config_table *table, int indent, const char *mark, struct str *out)
{
	const char *before = NULL;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		bool set = key->is_required && mark[0] == '\0';
		cleanup_str struct str facts = { 0 };
		int at = indent;
		const char *name;

		if (i > 0)
			str_add_char(out, '\n');
		name = enter_mapping(key->name, before, &at, out);
		add_facts(&facts, key);
		add_comment(out, key->help, at);
		str_addf(out, "%*s# (%s)\n", at, "", str_text(&facts));
		str_addf(out, "%*s%s%s:", at, "", set ? "" : "#", name);
		add_example_value(out, key, at, "#");
		before = key->name;
	}
}

void config_print_example(const struct config_table *table, struct str *out)
{
	example_at(table, 0, "", out);
}

static void manual_at(const struct config_table *table, const char *within, struct str *out)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		cleanup_str struct str facts = { 0 };

		add_facts(&facts, key);
		str_addf(out, ".It Ic %s%s\n.Pq %s\n.br\n%s\n", within, key->name, str_text(&facts),
			key->help);
		if (key->type == CONFIG_ITEMS) {
			cleanup_free char *inner = str_format("%s[].", key->name);

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

/* ---- reloading ---- */

static bool value_differs(const struct config_key *key, const void *a, const void *b)
{
	cleanup_str struct str text_a = { 0 }, text_b = { 0 };

	add_value(&text_a, key, a, 0);
	add_value(&text_b, key, b, 0);
	return strcmp(str_text(&text_a), str_text(&text_b)) != 0;
}

static void swap_bytes(void *a, void *b, size_t size)
{
	unsigned char *x = a, *y = b;

	for (size_t i = 0; i < size; i++) {
		unsigned char keep = x[i];

		x[i] = y[i];
		y[i] = keep;
	}
}

void config_reload(const struct config_table *table, void *current, void *fresh,
	void (*on_change)(void *, const struct config_key *, bool), void *owner)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];

		if (!value_differs(key, current, fresh))
			continue;
		if (key->is_reloadable)
			swap_bytes(config_value(key, current), config_value(key, fresh),
				config_value_size(key->type));
		on_change(owner, key, key->is_reloadable);
	}
}
