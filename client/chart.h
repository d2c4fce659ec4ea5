/* A line of small bars: how something went over time, in one line of a terminal. Pure.
 *
 *   ▂▂▃▂x▇    or, where there is only ASCII,    ..:.x#
 *
 * Bars begin at 0, so that twice as high is twice as much, and noise looks small. */
#ifndef CAPQ_CLIENT_CHART_H
#define CAPQ_CLIENT_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/str.h"

struct chart_point {
	double value;   /* 0 or more. */
	bool is_failed; /* It came to no good end: an x instead of a bar. */
};

/* Append a bar for each point, at most `width`: the last ones. The highest bar of those that are
 * drawn is full. */
void chart_add(
	struct str *out, const struct chart_point *points, size_t n, size_t width, bool is_utf8);

#endif
