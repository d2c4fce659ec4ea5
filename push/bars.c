#include "push/bars.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/time_text.h"

/* Columns of a line, each with the blanks before it. */
#define PERCENT_WIDTH 6
#define SIZES_WIDTH 22
#define RATE_WIDTH 12
#define LEFT_WIDTH 8
#define BAR_MIN 10
#define BAR_MAX 40
#define NAME_MAX_WIDTH 32

#define GREEN "\033[32m"
#define PLAIN "\033[m"

/* How a line of some width is divided; 0: that column is left out. */
struct columns {
	size_t name, bar, sizes, rate, left;
};

/* Take `wanted` columns out of `*room` if so many are there. */
static size_t take(size_t *room, size_t wanted)
{
	if (*room < wanted)
		return 0;
	*room -= wanted;
	return wanted;
}

static size_t name_width(const struct bar *bars, size_t n, const struct bar *total, size_t max)
{
	size_t width = strlen(total->name);

	for (size_t i = 0; i < n; i++)
		if (strlen(bars[i].name) > width)
			width = strlen(bars[i].name);
	return width < max ? width : max;
}

/* What tells most comes first: name, percent, time left, bar, rate, sizes. */
static struct columns divide(size_t width, size_t wanted_name)
{
	size_t room = width - PERCENT_WIDTH;
	struct columns c = { .name = wanted_name < room ? wanted_name : room };

	room -= c.name;
	c.left = take(&room, LEFT_WIDTH);
	c.bar = take(&room, BAR_MIN);
	c.rate = take(&room, RATE_WIDTH);
	c.sizes = take(&room, SIZES_WIDTH);
	if (c.bar > 0)
		c.bar += room < BAR_MAX - BAR_MIN ? room : BAR_MAX - BAR_MIN;
	return c;
}

/* In exactly `width` columns; what is cut ends in "..". */
static void add_name(struct str *out, const char *name, size_t width)
{
	if (strlen(name) > width && width > 2)
		str_addf(out, "%.*s..", (int)width - 2, name);
	else
		str_addf(out, "%-*.*s", (int)width, (int)width, name);
}

/* "  [====>     ]", `width` columns in all. */
static void add_bar(struct str *out, const struct bar *bar, size_t width, bool has_colour)
{
	size_t inner = width - 4, filled = inner;

	if (bar->done < bar->size)
		filled = (size_t)((double)bar->done / (double)bar->size * (double)inner);
	str_addf(out, "  [%s", has_colour ? GREEN : "");
	for (size_t i = 0; i < inner; i++)
		str_add_char(out, (char)(i < filled ? '=' : i == filled && filled > 0 ? '>' : ' '));
	str_addf(out, "%s]", has_colour ? PLAIN : "");
}

static int percent_of(const struct bar *bar)
{
	if (bar->done >= bar->size)
		return 100;
	return (int)((double)bar->done / (double)bar->size * 100);
}

static void add_line(struct str *out, const struct bar *bar, const struct columns *columns,
	const struct bars_view *view)
{
	char done[TIME_TEXT_MAX], size[TIME_TEXT_MAX], rate[TIME_TEXT_MAX], left[TIME_TEXT_MAX];
	char sizes[2 * TIME_TEXT_MAX + 4];

	size_to_text((int64_t)bar->done, done);
	size_to_text((int64_t)bar->size, size);
	size_to_text((int64_t)bar->rate, rate);
	duration_to_text(bar->left_ms, left);
	(void)snprintf(sizes, sizeof sizes, "%s of %s", done, size);
	add_name(out, bar->name, columns->name);
	if (columns->bar > 0)
		add_bar(out, bar, columns->bar, view->has_colour);
	str_addf(out, "%*d%%", PERCENT_WIDTH - 1, percent_of(bar));
	if (columns->sizes > 0)
		str_addf(out, "%*s", (int)columns->sizes, sizes);
	if (columns->rate > 0)
		str_addf(out, "%*s/s", (int)columns->rate - 2, rate);
	if (columns->left > 0)
		str_addf(out, "%*s", (int)columns->left, bar->left_ms < 0 ? "-" : left);
	str_add_char(out, '\n');
}

void bars_render(const struct bars_view *view, const struct bar *bars, size_t n,
	const struct bar *total, struct str *out)
{
	struct columns columns = divide(view->width, name_width(bars, n, total, NAME_MAX_WIDTH));
	size_t room = view->height - 1; /* The last line is the total's. */
	size_t shown = n <= room ? n : room > 0 ? room - 1 : 0;
	char more[TIME_TEXT_MAX];

	for (size_t i = 0; i < shown; i++)
		add_line(out, &bars[i], &columns, view);
	if (shown < n && room > 0) {
		(void)snprintf(more, sizeof more, "and %zu more", n - shown);
		str_addf(out, "%.*s\n", (int)view->width, more);
	}
	add_line(out, total, &columns, view);
}
