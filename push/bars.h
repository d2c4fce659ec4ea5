/* How far paths are, as lines for a terminal. Pure.
 *
 *   torch-2.5.1     [==========>         ]  54%   1.4 of 2.6 GiB    34 MiB/s   35s
 *   3 of 12 paths   [====>               ]  21%   2.1 of 10 GiB     61 MiB/s  2m12s
 */
#ifndef CAPQ_PUSH_BARS_H
#define CAPQ_PUSH_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/str.h"

struct bar {
	const char *name;    /* Printable ASCII. */
	uint64_t done, size; /* Bytes. */
	double rate;         /* Bytes a second. */
	int64_t left_ms;     /* -1: nobody knows. */
};

struct bars_view {
	size_t width, height; /* Columns and lines that may be used; 10 and 1 or more. */
	bool has_colour;
};

/* Append a line for each of the `n` bars and one for `total`, the last; when they are too many for
 * the height, some are only counted. A narrow terminal loses the columns on the right. */
void bars_render(const struct bars_view *view, const struct bar *bars, size_t n,
	const struct bar *total, struct str *out);

#endif
