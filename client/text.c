#include "client/text.h"

#include <ctype.h>
#include <string.h>
#include <wchar.h>

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026, one column wide. */

void text_add_line(struct str *out, const char *text)
{
	size_t from = out->len;

	if (text == NULL)
		return;
	str_add_printable(out, text, strlen(text));
	for (size_t i = from; i < out->len; i++)
		if (out->text[i] == '\n' || out->text[i] == '\t')
			out->text[i] = ' ';
}

/* The character at `*text`, which is moved behind it. Takes ill-formed UTF-8 without harm. */
static wchar_t next_character(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	size_t n = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4, i;
	unsigned c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	for (i = 1; i < n && (p[i] & 0xc0) == 0x80; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*text += i;
	return (wchar_t)c;
}

static size_t character_width(wchar_t c)
{
	int width = wcwidth(c);

	return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	while (*text != '\0')
		width += character_width(next_character(&text));
	return width;
}

/* The longest beginning of `text` that takes at most `width` columns. */
static size_t length_within(const char *text, size_t width)
{
	const char *end = text;

	for (const char *p = text; *p != '\0'; end = p) {
		size_t more = character_width(next_character(&p));

		if (more > width)
			break;
		width -= more;
	}
	return (size_t)(end - text);
}

void text_add_cut(struct str *out, const char *text, size_t width)
{
	cleanup_str struct str line = { 0 };

	text_add_line(&line, text);
	if (text_width(str_text(&line)) <= width) {
		str_add(out, str_text(&line));
	} else if (width > 0) {
		str_add_bytes(out, line.text, length_within(line.text, width - 1));
		str_add(out, ELLIPSIS);
	}
}

static void add_blanks(struct str *out, size_t n)
{
	while (n-- > 0)
		str_add_char(out, ' ');
}

void text_add_left(struct str *out, const char *text, size_t width)
{
	size_t from = out->len;

	text_add_cut(out, text, width);
	add_blanks(out, width - text_width(str_text(out) + from));
}

void text_add_right(struct str *out, const char *text, size_t width)
{
	cleanup_str struct str cut = { 0 };

	text_add_cut(&cut, text, width);
	add_blanks(out, width - text_width(str_text(&cut)));
	str_add(out, str_text(&cut));
}

void text_add_escaped(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c) != NULL)
			str_add_char(out, *text);
		else
			str_addf(out, "%%%02X", c);
	}
}
