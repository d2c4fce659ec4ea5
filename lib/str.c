#include "lib/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static void make_room(struct str *s, size_t more)
{
	array_reserve(&s->text, &s->capacity, s->len + more + 1, 1);
	s->text[s->len] = '\0';
}

void str_add_bytes(struct str *s, const void *bytes, size_t len)
{
	make_room(s, len);
	if (len > 0)
		memcpy(s->text + s->len, bytes, len);
	s->len += len;
	s->text[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_bytes(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_bytes(s, &c, 1);
}

static void add_formatted(struct str *s, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0)
		abort(); /* A format of ours that libc refuses. */
	make_room(s, (size_t)len);
	(void)vsnprintf(s->text + s->len, (size_t)len + 1, format, args);
	s->len += (size_t)len;
}

void str_addf(struct str *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(s, format, args);
	va_end(args);
}

const char *str_text(const struct str *s)
{
	return s->text == NULL ? "" : s->text;
}

char *str_take(struct str *s)
{
	char *text = s->text == NULL ? xstrdup("") : s->text;

	*s = (struct str){ 0 };
	return text;
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->text != NULL)
		s->text[0] = '\0';
}

void str_free(struct str *s)
{
	free(s->text);
	*s = (struct str){ 0 };
}

char *str_format(const char *format, ...)
{
	struct str s = { 0 };
	va_list args;

	va_start(args, format);
	add_formatted(&s, format, args);
	va_end(args);
	return s.text;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	const char *digits = min < 0 && text[0] == '-' ? text + 1 : text;
	long long value;
	char *end;

	if (!isdigit((unsigned char)digits[0]))
		return false; /* strtoll() would take blanks and signs. */
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return false;
	*out = value;
	return true;
}

/* The length of the well-formed character at `p`, of which `len` bytes remain; 0 if there is none.
 * The table is Unicode's own, "Well-Formed UTF-8 Byte Sequences" (table 3-7). */
static size_t utf8_length(const unsigned char *p, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (len < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool str_is_utf8(const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

static size_t skip(
	const unsigned char *p, size_t len, size_t i, unsigned char low, unsigned char high)
{
	while (i < len && p[i] >= low && p[i] <= high)
		i++;
	return i;
}

/* The length of the escape sequence at `p` (ECMA-48). One that the input cuts off, or that breaks
 * the rules, ends there: what follows is text that somebody may need to see. */
static size_t escape_length(const unsigned char *p, size_t len)
{
	static const unsigned char string_starts[] = { ']', 'P', 'X', '^', '_' };
	size_t i;

	if (len > 1 && p[1] == '[') { /* Control sequence: parameters, intermediates, final. */
		i = skip(p, len, 2, 0x30, 0x3f);
		i = skip(p, len, i, 0x20, 0x2f);
		return i < len && p[i] >= 0x40 && p[i] <= 0x7e ? i + 1 : i;
	}
	if (len > 1 && memchr(string_starts, p[1], sizeof string_starts) != NULL) {
		i = skip(p, len, 2, 0x20, 0xff); /* Up to BEL or ESC \. */
		if (i < len && p[i] == '\a')
			return i + 1;
		return i + 1 < len && p[i] == 0x1b && p[i + 1] == '\\' ? i + 2 : i;
	}
	i = skip(p, len, 1, 0x20, 0x2f); /* "ESC ( B" and the like; or one character. */
	return i < len && p[i] >= 0x30 && p[i] <= 0x7e ? i + 1 : i;
}

/* True for what a terminal does not show but obeys: of one byte, or of two (U+0080 to U+009F). */
static bool is_control(const unsigned char *p, size_t n)
{
	if (n == 1)
		return (*p < 0x20 && *p != '\t' && *p != '\n') || *p == 0x7f;
	return n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void str_add_utf8(struct str *s, const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;

	make_room(s, len);
	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));

		if (n == 0 || *p == '\0')
			str_add(s, REPLACEMENT);
		else
			str_add_bytes(s, p, n);
		p += n == 0 ? 1 : n;
	}
}

void str_add_printable(struct str *s, const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;

	make_room(s, len);
	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));

		if (*p == 0x1b)
			n = escape_length(p, (size_t)(end - p));
		else if (n == 0)
			str_add(s, REPLACEMENT);
		else if (!is_control(p, n))
			str_add_bytes(s, p, n);
		p += n == 0 ? 1 : n;
	}
}

#define NEAREST_MAX 16
#define NEAREST_NAME_MAX 64 /* Longer names are not guessed at: the table below is n^2. */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many insertions, deletions, changes and swaps of neighbours lead from `a` to `b`. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][NEAREST_NAME_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned change = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;

			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
				same_letter(a[i - 2], b[j - 1]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b_len];
}

size_t str_nearest(
	const char *wanted, const char *const *names, size_t n, const char **out, size_t max)
{
	unsigned costs[NEAREST_MAX];
	size_t found = 0, wanted_len = strlen(wanted);

	if (max > NEAREST_MAX)
		max = NEAREST_MAX;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]), longer = len > wanted_len ? len : wanted_len, at;
		unsigned cost;

		if (longer > NEAREST_NAME_MAX)
			continue;
		cost = distance(wanted, wanted_len, names[i], len);
		if (cost > (longer + 2) / 3)
			continue;
		for (at = found; at > 0 && costs[at - 1] > cost; at--)
			;
		if (at == max)
			continue;
		if (found < max)
			found++;
		memmove(&costs[at + 1], &costs[at], (found - at - 1) * sizeof costs[0]);
		memmove(&out[at + 1], &out[at], (found - at - 1) * sizeof out[0]);
		costs[at] = cost;
		out[at] = names[i];
	}
	return found;
}
