#include "lib/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/str.h"

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define CLEAR_BELOW "\033[J"
#define CLEAR_ALL "\033[H\033[J"

void screen_size(int fd, size_t *width, size_t *height)
{
	struct winsize size;

	*width = 80;
	*height = 24;
	if (ioctl(fd, TIOCGWINSZ, &size) != 0)
		return;
	if (size.ws_col > 0)
		*width = size.ws_col;
	if (size.ws_row > 0)
		*height = size.ws_row;
}

/* To where the block begins, and away with it: a longer line may come to stand there and wrap over
 * what was below. A terminal that became narrower has wrapped the block; where it begins is then
 * known to nobody, and the whole screen is cleared. */
static void add_return(struct str *out, const struct screen *screen, size_t width)
{
	if (screen->n_lines > 0 && width < screen->width)
		str_add(out, CLEAR_ALL);
	else if (screen->n_lines > 0)
		str_addf(out, "\r\033[%zuA" CLEAR_BELOW, screen->n_lines);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

static void write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return; /* The terminal is gone, and with it whoever would read this. */
		text += n;
		len -= (size_t)n;
	}
}

void screen_draw(struct screen *screen, const char *above, const char *block)
{
	cleanup_str struct str out = { 0 };
	size_t width, height;

	screen_size(screen->fd, &width, &height);
	str_add(&out, HIDE_CURSOR);
	add_return(&out, screen, width);
	str_add(&out, above);
	str_add(&out, block);
	screen->n_lines = count_lines(block);
	screen->width = width;
	str_add(&out, SHOW_CURSOR);
	write_all(screen->fd, out.text, out.len);
}
