#include "push/excerpt.h"

#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static void add_separated(struct str *out, const char *text, size_t len)
{
	if (len == 0)
		return;
	if (out->len > 0)
		str_add(out, ": ");
	str_add_bytes(out, text, len);
}

static bool add_json(struct str *out, const char *body, size_t len)
{
	static const char *const names[] = { "title", "detail", "message", "error" };
	cleanup_json struct json *root = NULL;

	if (json_parse(body, len, &root, NULL) < 0 || json_kind(root) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = json_text(json_get(root, names[i]));

		if (text != NULL)
			add_separated(out, text, strlen(text));
	}
	return out->len > 0;
}

/* The text of the first element `<tag>` of `body`, which is NUL-terminated. */
static bool add_element(struct str *out, const char *body, const char *tag)
{
	const char *start = strstr(body, tag), *end;

	if (start == NULL)
		return false;
	start += strlen(tag);
	end = strchr(start, '<');
	if (end == NULL)
		return false;
	add_separated(out, start, (size_t)(end - start));
	return true;
}

/* S3 quotes the whole request when it does not like a signature: nothing but these two. */
static bool add_xml(struct str *out, const char *body)
{
	bool found = add_element(out, body, "<Code>");

	return add_element(out, body, "<Message>") || found;
}

static void add_without_tags(struct str *out, const char *body)
{
	for (; *body != '\0'; body++) {
		const char *end = *body == '<' ? strchr(body, '>') : NULL;

		str_add_char(out, end == NULL ? *body : ' ');
		if (end != NULL)
			body = end;
	}
}

/* Append `text` word by word, with one blank between, and URLs only up to their query. */
static void add_words(struct str *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " \t\r\n\f\v"), shown = len;
		const char *query = memchr(text, '?', len);

		if (query != NULL && query + 1 < text + len)
			shown = (size_t)(query + 1 - text);
		if (len > 0 && out->len > 0)
			str_add_char(out, ' ');
		str_add_bytes(out, text, shown);
		if (shown < len)
			str_add(out, "...");
		text += len;
		text += strspn(text, " \t\r\n\f\v");
	}
}

void excerpt_add(struct str *out, const char *body, size_t len)
{
	cleanup_str struct str text = { 0 }, gist = { 0 }, clean = { 0 }, line = { 0 };
	size_t end = EXCERPT_MAX;

	str_add_bytes(&text, body, len); /* With a NUL behind it. */
	if (!add_json(&gist, body, len) && !add_xml(&gist, str_text(&text)))
		add_without_tags(&gist, str_text(&text));
	str_add_printable(&clean, str_text(&gist), gist.len);
	add_words(&line, str_text(&clean));
	if (line.len <= EXCERPT_MAX) {
		str_add(out, str_text(&line));
		return;
	}
	while (((unsigned char)line.text[end] & 0xc0) == 0x80)
		end--; /* Not within a character of UTF-8. */
	str_add_bytes(out, line.text, end);
	str_add(out, "...");
}
