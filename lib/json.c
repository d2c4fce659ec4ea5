#include "lib/json.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_check.h"
#include "lib/mem.h"
#include "lib/time_text.h"

/* cJSON keeps numbers as doubles. Those that a double may not hold exactly (16 characters and
 * more), or that would be written otherwise (with an exponent), get their own text hung on the
 * cJSON item as `valuestring`, which cJSON_Delete() frees for every kind of item. They are few, so
 * they are found again by their ordinal number. */
#define EXACT_DIGITS 15

struct kept_number {
	size_t n; /* The how-manieth number of the document. */
	const char *digits;
	size_t len;
};

struct kept_numbers {
	struct kept_number *items;
	size_t n, capacity;
};

static cJSON *item_of(const struct json *value)
{
	return (cJSON *)(void *)value; /* struct json is never defined: it is a cJSON. */
}

static const struct json *json_of(const cJSON *item)
{
	return (const struct json *)(const void *)item;
}

static void note_number(void *owner, size_t n, const char *digits, size_t len)
{
	struct kept_numbers *kept = owner;

	if (len <= EXACT_DIGITS && memchr(digits, 'e', len) == NULL &&
		memchr(digits, 'E', len) == NULL)
		return;
	array_reserve(&kept->items, &kept->capacity, kept->n + 1, sizeof *kept->items);
	kept->items[kept->n++] = (struct kept_number){ .n = n, .digits = digits, .len = len };
}

/* Walk the tree in the order of the text. `*seen` counts numbers, `*used` those with a text. */
static void hang_digits(cJSON *item, const struct kept_numbers *kept, size_t *seen, size_t *used)
{
	for (; item != NULL; item = item->next) {
		if (cJSON_IsNumber(item)) {
			const struct kept_number *next = &kept->items[*used];

			if (*used < kept->n && next->n == *seen) {
				item->valuestring = xstrndup(next->digits, next->len);
				++*used;
			}
			++*seen;
		}
		if (item->child != NULL)
			hang_digits(item->child, kept, seen, used);
	}
}

int json_parse(const char *text, size_t len, struct json **out, struct err *err)
{
	struct kept_numbers kept = { 0 };
	size_t seen = 0, used = 0;
	cJSON *root;
	int rv = json_check(text, len, note_number, &kept, err);

	if (rv == 0) {
		root = cJSON_ParseWithLength(text, len);
		if (root == NULL)
			abort(); /* What passed the check is JSON; cJSON only lacked memory. */
		if (kept.n > 0)
			hang_digits(root, &kept, &seen, &used);
		*out = (struct json *)(void *)root;
	}
	free(kept.items);
	return rv;
}

void json_free(struct json *root)
{
	cJSON_Delete(item_of(root));
}

void cleanup_json_at(struct json **root)
{
	json_free(*root);
}

enum json_kind json_kind(const struct json *value)
{
	const cJSON *item = item_of(value);

	if (item == NULL)
		return JSON_ABSENT;
	switch (item->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_kind_name(enum json_kind kind)
{
	static const char *const names[] = { "nothing", "null", "a boolean", "a number", "a string",
		"an array", "an object" };

	return names[kind];
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (json_kind(object) != JSON_OBJECT)
		return NULL;
	return json_of(cJSON_GetObjectItemCaseSensitive(item_of(object), name));
}

const struct json *json_first(const struct json *container)
{
	enum json_kind kind = json_kind(container);

	if (kind != JSON_ARRAY && kind != JSON_OBJECT)
		return NULL;
	return json_of(item_of(container)->child);
}

const struct json *json_next(const struct json *value)
{
	return value == NULL ? NULL : json_of(item_of(value)->next);
}

size_t json_count(const struct json *container)
{
	size_t n = 0;

	for (const struct json *v = json_first(container); v != NULL; v = json_next(v))
		n++;
	return n;
}

const char *json_name(const struct json *member)
{
	return member == NULL ? NULL : item_of(member)->string;
}

const char *json_text(const struct json *value)
{
	return json_kind(value) == JSON_STRING ? item_of(value)->valuestring : NULL;
}

static bool whole_double(double value, int64_t *out)
{
	if (value != floor(value) || fabs(value) >= 1e15)
		return false;
	*out = (int64_t)value;
	return true;
}

bool json_int(const struct json *value, int64_t *out)
{
	const cJSON *item = item_of(value);
	long long exact;
	char *end;

	if (json_kind(value) != JSON_NUMBER)
		return false;
	if (item->valuestring == NULL || strlen(item->valuestring) <= EXACT_DIGITS)
		return whole_double(item->valuedouble, out);
	errno = 0;
	exact = strtoll(item->valuestring, &end, 10);
	if (*end != '\0' || errno != 0)
		return false;
	*out = exact;
	return true;
}

bool json_uint(const struct json *value, uint64_t *out)
{
	const cJSON *item = item_of(value);
	unsigned long long exact;
	int64_t small;
	char *end;

	if (json_int(value, &small)) {
		if (small >= 0)
			*out = (uint64_t)small;
		return small >= 0;
	}
	if (json_kind(value) != JSON_NUMBER || item->valuestring == NULL ||
		item->valuestring[0] == '-')
		return false;
	errno = 0;
	exact = strtoull(item->valuestring, &end, 10);
	if (*end != '\0' || errno != 0)
		return false;
	*out = exact;
	return true;
}

bool json_bool(const struct json *value, bool *out)
{
	if (json_kind(value) != JSON_BOOL)
		return false;
	*out = cJSON_IsTrue(item_of(value));
	return true;
}

bool json_double(const struct json *value, double *out)
{
	if (json_kind(value) != JSON_NUMBER)
		return false;
	*out = item_of(value)->valuedouble;
	return true;
}

static void add_text(struct str *out, const char *text, size_t len);

/* 15 digits are what a double holds of any decimal number, so what was read comes back as it was.
 * The decimal point is that of the locale, which a client may have set. */
static void add_double(struct str *out, double value)
{
	size_t from = out->len;

	str_addf(out, "%.*g", EXACT_DIGITS, value);
	for (char *p = out->text + from; *p != '\0'; p++)
		if (*p == ',')
			*p = '.';
}

void json_print(const struct json *value, struct str *out)
{
	const char *separator = "";
	const cJSON *item = item_of(value);

	switch (json_kind(value)) {
	case JSON_ABSENT:
	case JSON_NULL:
		str_add(out, "null");
		return;
	case JSON_BOOL:
		str_add(out, cJSON_IsTrue(item) ? "true" : "false");
		return;
	case JSON_NUMBER:
		if (item->valuestring != NULL)
			str_add(out, item->valuestring);
		else
			add_double(out, item->valuedouble);
		return;
	case JSON_STRING:
		add_text(out, item->valuestring, strlen(item->valuestring));
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		str_add_char(out, json_kind(value) == JSON_ARRAY ? '[' : '{');
		for (const struct json *v = json_first(value); v != NULL; v = json_next(v)) {
			str_add(out, separator);
			if (json_kind(value) == JSON_OBJECT) {
				add_text(out, json_name(v), strlen(json_name(v)));
				str_add_char(out, ':');
			}
			json_print(v, out);
			separator = ",";
		}
		str_add_char(out, json_kind(value) == JSON_ARRAY ? ']' : '}');
		return;
	}
}

static void add_escaped(struct str *out, unsigned char c)
{
	static const char letters[] = "\b\f\n\r\t", names[] = "bfnrt";
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	if (c == '"' || c == '\\')
		str_addf(out, "\\%c", c);
	else if (at != NULL)
		str_addf(out, "\\%c", names[at - letters]);
	else
		str_addf(out, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* `text` in quotes. Runs of plain bytes, by far the most, are copied at once. */
static void add_text(struct str *out, const char *text, size_t len)
{
	cleanup_str struct str mended = { 0 };
	size_t i = 0;

	if (!str_is_utf8(text, len) || memchr(text, '\0', len) != NULL) {
		str_add_utf8(&mended, text, len);
		text = str_text(&mended);
		len = mended.len;
	}
	str_add_char(out, '"');
	while (i < len) {
		size_t from = i;

		while (i < len && is_plain((unsigned char)text[i]))
			i++;
		str_add_bytes(out, text + from, i - from);
		if (i < len)
			add_escaped(out, (unsigned char)text[i++]);
	}
	str_add_char(out, '"');
}

static void begin(struct json_out *out, const char *name)
{
	if (out->need_comma)
		str_add_char(&out->text, ',');
	out->need_comma = true;
	if (name != NULL) {
		add_text(&out->text, name, strlen(name));
		str_add_char(&out->text, ':');
	}
}

void json_out_object(struct json_out *out, const char *name)
{
	begin(out, name);
	str_add_char(&out->text, '{');
	out->need_comma = false;
}

void json_out_end_object(struct json_out *out)
{
	str_add_char(&out->text, '}');
	out->need_comma = true;
}

void json_out_array(struct json_out *out, const char *name)
{
	begin(out, name);
	str_add_char(&out->text, '[');
	out->need_comma = false;
}

void json_out_end_array(struct json_out *out)
{
	str_add_char(&out->text, ']');
	out->need_comma = true;
}

void json_out_bytes(struct json_out *out, const char *name, const char *text, size_t len)
{
	begin(out, name);
	add_text(&out->text, text, len);
}

void json_out_text(struct json_out *out, const char *name, const char *text)
{
	if (text == NULL)
		json_out_null(out, name);
	else
		json_out_bytes(out, name, text, strlen(text));
}

void json_out_int(struct json_out *out, const char *name, int64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRId64, value);

	begin(out, name);
	str_add_bytes(&out->text, digits, (size_t)len);
}

void json_out_double(struct json_out *out, const char *name, double value)
{
	begin(out, name);
	if (!(fabs(value) < 1e100)) /* Nor is NAN. The reader takes two digits of exponent. */
		str_add(&out->text, "null");
	else
		add_double(&out->text, fabs(value) < 1e-99 ? 0 : value);
}

void json_out_bool(struct json_out *out, const char *name, bool value)
{
	begin(out, name);
	str_add(&out->text, value ? "true" : "false");
}

void json_out_null(struct json_out *out, const char *name)
{
	begin(out, name);
	str_add(&out->text, "null");
}

void json_out_time(struct json_out *out, const char *name, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	if (ms == 0) {
		json_out_null(out, name);
		return;
	}
	time_to_rfc3339(ms, text);
	json_out_text(out, name, text);
}

void json_out_raw(struct json_out *out, const char *name, const char *json)
{
	begin(out, name);
	str_add(&out->text, json);
}
