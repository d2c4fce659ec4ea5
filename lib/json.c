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

/* cJSON keeps numbers as doubles. Integers that a double may not hold exactly (16 digits and more)
 * get their own text hung on the cJSON item as `valuestring`, which cJSON_Delete() frees for every
 * kind of item. They are few, so they are found again by their ordinal number. */
#define EXACT_DIGITS 15

struct long_number {
	size_t n; /* The how-manieth number of the document. */
	const char *digits;
	size_t len;
};

struct long_numbers {
	struct long_number *items;
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
	struct long_numbers *longs = owner;

	if (len <= EXACT_DIGITS)
		return;
	array_reserve(&longs->items, &longs->capacity, longs->n + 1, sizeof *longs->items);
	longs->items[longs->n++] = (struct long_number){ .n = n, .digits = digits, .len = len };
}

/* Walk the tree in the order of the text. `*seen` counts numbers, `*used` long ones. */
static void hang_digits(cJSON *item, const struct long_numbers *longs, size_t *seen, size_t *used)
{
	for (; item != NULL; item = item->next) {
		if (cJSON_IsNumber(item)) {
			const struct long_number *l = &longs->items[*used];

			if (*used < longs->n && l->n == *seen) {
				item->valuestring = xstrndup(l->digits, l->len);
				++*used;
			}
			++*seen;
		}
		if (item->child != NULL)
			hang_digits(item->child, longs, seen, used);
	}
}

int json_parse(const char *text, size_t len, struct json **out, struct err *err)
{
	struct long_numbers longs = { 0 };
	size_t seen = 0, used = 0;
	cJSON *root;
	int rv = json_check(text, len, note_number, &longs, err);

	if (rv == 0) {
		root = cJSON_ParseWithLength(text, len);
		if (root == NULL)
			abort(); /* What passed the check is JSON; cJSON only lacked memory. */
		if (longs.n > 0)
			hang_digits(root, &longs, &seen, &used);
		*out = (struct json *)(void *)root;
	}
	free(longs.items);
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

bool json_int(const struct json *value, int64_t *out)
{
	const cJSON *item = item_of(value);
	long long exact;
	char *end;

	if (json_kind(value) != JSON_NUMBER)
		return false;
	if (item->valuestring == NULL) {
		/* At most 15 characters: exact, unless an exponent made it huge. */
		if (item->valuedouble != floor(item->valuedouble) ||
			fabs(item->valuedouble) >= 1e15)
			return false;
		*out = (int64_t)item->valuedouble;
		return true;
	}
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
		else if (item->valuedouble == floor(item->valuedouble))
			str_addf(out, "%.0f", item->valuedouble);
		else
			str_addf(out, "%.17g", item->valuedouble);
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

	if (!str_is_utf8(text, len)) {
		str_add_printable(&mended, text, len);
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
	if (isfinite(value))
		str_addf(&out->text, "%.9g", value);
	else
		str_add(&out->text, "null");
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
