/* Freeing, printing and comparing of values; reading them is config_read.c, explaining the keys
 * config_explain.c. */
#include "lib/config.h"

#include <inttypes.h>
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

/* The length of the character at `p` when YAML does not take it as it is: control characters, line
 * ends of Unicode, and what is no character (YAML 1.2, chapter 5.1); else 0. */
static size_t unfit_for_yaml(const unsigned char *p, unsigned *out_code)
{
	static const unsigned codes[] = { 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff };

	if (p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0)) {
		*out_code = p[0] == 0x7f ? p[0] : p[1];
		return p[0] == 0x7f ? 1 : 2;
	}
	if ((p[0] & 0xf0) != 0xe0)
		return 0;
	*out_code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == *out_code)
			return 3;
	return 0;
}

/* JSON is YAML but for such characters. They stand in strings only, where both know \u. */
static void add_json(struct str *out, const char *json)
{
	const unsigned char *p = (const unsigned char *)json;

	while (*p != '\0') {
		unsigned code;
		size_t n = unfit_for_yaml(p, &code);

		if (n == 0)
			str_add_char(out, (char)*p);
		else
			str_addf(out, "\\u%04x", code);
		p += n == 0 ? 1 : n;
	}
}

/* null for NULL. */
static void add_quoted(struct str *out, const char *text)
{
	struct json_out json = { 0 };

	json_out_text(&json, NULL, text);
	add_json(out, str_text(&json.text));
	str_free(&json.text);
}

/* A list that must have entries and has none was left out. */
static const char *empty_list(const struct config_key *key)
{
	return key->min > 0 ? "null" : "[]";
}

static void add_texts(struct str *out, const struct config_key *key, const struct texts *texts)
{
	if (texts->n == 0) {
		str_add(out, empty_list(key));
		return;
	}
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
		str_addf(out, " %s", empty_list(key));
	for (size_t i = 0; i < items->n; i++) {
		size_t from;

		str_add_char(out, '\n');
		from = out->len;
		print_at(key->items, (const char *)items->items + i * key->items->size, indent + 4,
			out);
		out->text[from + (size_t)indent + 2] = '-'; /* In front of its first key. */
		out->text[--out->len] = '\0';               /* The caller ends the line. */
	}
}

/* Behind "key:". */
static void add_value(struct str *out, const struct config_key *key, const void *values, int indent)
{
	const void *value = config_value_const(key, values);
	char text[TIME_TEXT_MAX];

	switch (key->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
		str_add_char(out, ' ');
		add_quoted(out, *(char *const *)value);
		return;
	case CONFIG_JSON:
		str_add_char(out, ' ');
		add_json(out, *(char *const *)value);
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
		add_texts(out, key, value);
		return;
	case CONFIG_ITEMS:
		add_items(out, key, value, indent);
		return;
	}
}

static void print_at(
	const struct config_table *table, const void *values, int indent, struct str *out)
{
	const char *before = NULL;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct config_key *key = &table->keys[i];
		int at = indent;
		const char *name = config_enter_mapping(key->name, before, &at, out);

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
