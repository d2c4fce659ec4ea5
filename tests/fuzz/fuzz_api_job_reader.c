/* The body of a submit means the same however it arrives: in one piece, or in pieces of the length
 * that the input's first byte says. */
#include "daemon/api/job_reader.h"
#include "lib/json.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

static int add_object(void *owner, const char *text, size_t len, struct err *err)
{
	struct str *out = owner;

	(void)err;
	CHECK(len >= 2 && text[0] == '{' && len <= JOB_READER_OBJECT_MAX);
	str_add_bytes(out, text, len);
	str_add_char(out, '\n');
	return 0;
}

/* What was found, line by line, and how it ended. */
static void read_in_pieces(const char *body, size_t len, size_t piece, struct str *out)
{
	struct job_reader reader = { 0 };
	struct err err = { 0 };
	int rv = 0;

	for (size_t at = 0; at < len && rv == 0; at += piece)
		rv = job_reader_feed(&reader, body + at, len - at < piece ? len - at : piece,
			add_object, out, &err);
	if (rv == 0)
		rv = job_reader_end(&reader, &err);
	CHECK(rv == 0 || err.text[0] != '\0');
	str_addf(out, "%d %s", rv, err.text);
	job_reader_finish(&reader);
}

/* JSON is an array of objects exactly when it is read as one. */
static void check_array(const char *body, size_t len, const char *got)
{
	cleanup_json struct json *json = NULL;

	if (json_parse(body, len, &json, NULL) < 0 || json_kind(json) != JSON_ARRAY)
		return;
	for (const struct json *v = json_first(json); v != NULL; v = json_next(v))
		if (json_kind(v) != JSON_OBJECT)
			return;
	CHECK(str_ends(got, json_count(json) == 0 ? "holds no job" : "0 ") || len > 60000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_str struct str whole = { 0 }, pieces = { 0 };
	cleanup_free char *body = NULL;

	if (size == 0)
		return 0;
	body = fuzz_bytes(data + 1, size - 1);
	read_in_pieces(body, size - 1, size, &whole);
	read_in_pieces(body, size - 1, (size_t)data[0] + 1, &pieces);
	CHECK(whole.len == pieces.len);
	CHECK(memcmp(str_text(&whole), str_text(&pieces), whole.len) == 0);
	check_array(body, size - 1, str_text(&whole));
	return 0;
}
