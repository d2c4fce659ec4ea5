#include "client/chart.h"

#include <math.h>

#define LEVELS 8

/* U+2581 to U+2588. */
static void add_bar(struct str *out, int level)
{
	char bar[] = "\xe2\x96\x81";

	bar[2] = (char)(bar[2] + level);
	str_add(out, bar);
}

static double highest(const struct chart_point *points, size_t n)
{
	double max = 0;

	for (size_t i = 0; i < n; i++)
		if (!points[i].is_failed)
			max = fmax(max, points[i].value);
	return max;
}

void chart_add(
	struct str *out, const struct chart_point *points, size_t n, size_t width, bool is_utf8)
{
	static const char ascii[LEVELS + 1] = "_.:-=+*#";
	size_t from = n > width ? n - width : 0;
	double max = highest(points + from, n - from);

	for (size_t i = from; i < n; i++) {
		double share = max > 0 ? points[i].value / max : 0;
		int level = (int)fmin(ceil(share * LEVELS), LEVELS) - 1;

		if (points[i].is_failed)
			str_add_char(out, 'x');
		else if (is_utf8)
			add_bar(out, level < 0 ? 0 : level);
		else
			str_add_char(out, ascii[level < 0 ? 0 : level]);
	}
}
