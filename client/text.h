/* Text for people: harmless, on one line, and of a known width. Pure.
 *
 * What a server sends may hold escape sequences that rewrite a terminal; nothing of it is printed
 * without passing through text_add_line() or str_add_printable(). */
#ifndef CAPQ_CLIENT_TEXT_H
#define CAPQ_CLIENT_TEXT_H

#include <stddef.h>

#include "lib/str.h"

/* Append `text` (NULL: nothing) without escape sequences and control characters, on one line: tabs
 * and newlines become blanks. */
void text_add_line(struct str *out, const char *text);

/* How many columns of a terminal `text` takes; needs a UTF-8 locale for other than ASCII. */
size_t text_width(const char *text);

/* Append `text` as by text_add_line() in at most `width` columns; what is cut ends in "…". */
void text_add_cut(struct str *out, const char *text, size_t width);

/* The same in exactly `width` columns: blanks behind it (left) or before it (right). */
void text_add_left(struct str *out, const char *text, size_t width);
void text_add_right(struct str *out, const char *text, size_t width);

/* Append `text` with %XX for whatever does not stand for itself in a URL's query. */
void text_add_escaped(struct str *out, const char *text);

#endif
