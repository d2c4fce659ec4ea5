/* JSON: what is read prints as JSON that prints as the same; every question has an answer. */
#include "lib/json.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct json *value)
{
	int64_t n;
	uint64_t u;
	double d;
	bool b;

	if (json_int(value, &n))
		CHECK(json_kind(value) == JSON_NUMBER && json_double(value, &d));
	if (json_uint(value, &u) && json_int(value, &n))
		CHECK(n >= 0 && (uint64_t)n == u);
	CHECK(json_bool(value, &b) == (json_kind(value) == JSON_BOOL));
	CHECK((json_text(value) != NULL) == (json_kind(value) == JSON_STRING));
	if (json_text(value) != NULL)
		CHECK(str_is_utf8(json_text(value), strlen(json_text(value))));
	for (const struct json *v = json_first(value); v != NULL; v = json_next(v)) {
		CHECK((json_name(v) != NULL) == (json_kind(value) == JSON_OBJECT));
		if (json_name(v) != NULL)
			CHECK(json_get(value, json_name(v)) != NULL);
		look_at(v);
	}
}

/* Any bytes can be written as a string, and are then read as what they were or as mended. */
static void check_text(const char *bytes, size_t size)
{
	struct json_out out = { 0 };
	cleanup_json struct json *json = NULL;
	cleanup_str struct str mended = { 0 };

	json_out_bytes(&out, NULL, bytes, size);
	CHECK(json_parse(out.text.text, out.text.len, &json, NULL) == 0);
	str_add_utf8(&mended, bytes, size);
	CHECK(strcmp(json_text(json), str_text(&mended)) == 0);
	str_free(&out.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_bytes(data, size);
	cleanup_json struct json *json = NULL, *again = NULL;
	cleanup_str struct str once = { 0 }, twice = { 0 };
	struct err err = { 0 };

	check_text(text, size);
	if (json_parse(text, size, &json, &err) < 0) {
		CHECK(json == NULL && err.text[0] != '\0');
		return 0;
	}
	look_at(json);
	json_print(json, &once);
	CHECK(json_parse(once.text, once.len, &again, NULL) == 0);
	json_print(again, &twice);
	CHECK(strcmp(str_text(&once), str_text(&twice)) == 0);
	return 0;
}
