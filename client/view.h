/* The live table: jobs and a width in, lines out. Pure. */
#ifndef CAPQ_CLIENT_VIEW_H
#define CAPQ_CLIENT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/record.h"
#include "lib/str.h"

struct view {
	size_t width;  /* No line is wider. */
	size_t height; /* There are no more lines; at least 2. */
	bool has_colour;
	int64_t now_ms;      /* Wall clock. */
	const char *summary; /* The last line. */
};

/* Append the table of `n` records: a line of names, a line a job (what runs first, then what comes
 * next; jobs that do not fit are only counted), and the summary. The record pointers are put into
 * that order. Columns that do not fit are left out, what is too long is cut: no line wraps. */
void view_render(const struct view *view, const struct record **records, size_t n, struct str *out);

#endif
