/* The one strict door to JSON (RFC 8259), in and out. No other file includes cJSON.
 *
 * Reading: the text is checked before cJSON sees it, because cJSON takes much that is no JSON.
 * Refused are ill-formed UTF-8, \u0000, lone surrogates, control characters in strings, numbers in
 * other spellings, anything behind the value, and three things that are JSON: more than
 * JSON_DEPTH_MAX arrays and objects in each other, numbers of more than 63 characters, and
 * exponents of more than two digits. Integers are exact to 64 bits (Nix's activity ids exceed
 * 2^53); names are case-sensitive. */
#ifndef CAPQ_LIB_JSON_H
#define CAPQ_LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/str.h"

#define JSON_DEPTH_MAX 64

/* A value inside a document. Owned by the document's root; NULL stands for "not there" and is taken
 * by every function below. */
struct json;

enum json_kind {
	JSON_ABSENT, /* The value is NULL: no such member. */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Read the `len` bytes at `text`. On success the caller frees `*out` with json_free(). CAPQ_EINVAL
 * names the byte at which it is no JSON, CAPQ_ETOOBIG an exceeded bound. */
int json_parse(const char *text, size_t len, struct json **out, struct err *err);
void json_free(struct json *root);
void cleanup_json_at(struct json **root);
#define cleanup_json __attribute__((cleanup(cleanup_json_at)))

enum json_kind json_kind(const struct json *value);
const char *json_kind_name(enum json_kind kind); /* "nothing", "null", "a boolean", ... */

/* The first member called `name`, NULL when there is none or `object` is no object. */
const struct json *json_get(const struct json *object, const char *name);

/* The members of an array or object in order:  for (v = json_first(a); v; v = json_next(v)) */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);
size_t json_count(const struct json *container);
const char *json_name(const struct json *member); /* Of an object's member; NULL elsewhere. */

/* NULL unless it is a string. Borrowed from the document. */
const char *json_text(const struct json *value);

/* False, and `*out` untouched, unless it is a whole number within 64 bits (with a point or an
 * exponent only in up to 15 characters), a boolean, any number. */
bool json_int(const struct json *value, int64_t *out);
bool json_uint(const struct json *value, uint64_t *out);
bool json_bool(const struct json *value, bool *out);
bool json_double(const struct json *value, double *out);

/* Append the value as text without blanks; reading that text and printing it again changes nothing.
 */
void json_print(const struct json *value, struct str *out);

/* Writing: a text grows behind `text`; commas come by themselves. `name` is the member's name in an
 * object and NULL in an array or at the top. Text that is not UTF-8, or holds NULs, is mended, so
 * the result always is JSON that json_parse() takes. */
struct json_out {
	struct str text;
	bool need_comma;
};

void json_out_object(struct json_out *out, const char *name); /* Begins an object. */
void json_out_end_object(struct json_out *out);
void json_out_array(struct json_out *out, const char *name); /* Begins an array. */
void json_out_end_array(struct json_out *out);
void json_out_text(struct json_out *out, const char *name, const char *text); /* NULL: null. */
void json_out_bytes(struct json_out *out, const char *name, const char *text, size_t len);
void json_out_int(struct json_out *out, const char *name, int64_t value);
void json_out_double(
	struct json_out *out, const char *name, double value); /* 10^100 or no number: null. */
void json_out_bool(struct json_out *out, const char *name, bool value);
void json_out_null(struct json_out *out, const char *name);
void json_out_time(struct json_out *out, const char *name, int64_t ms); /* RFC 3339; 0: null. */
void json_out_raw(struct json_out *out, const char *name, const char *json); /* Is JSON already. */

#endif
