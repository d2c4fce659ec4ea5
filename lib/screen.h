/* A block of lines at the bottom of a terminal that is drawn anew in place.
 *
 * The cursor is hidden only while a block is being written, and each block is one write, so
 * whenever the program is stopped, by SIGINT or otherwise, the cursor is there and stands below the
 * block. */
#ifndef CAPQ_LIB_SCREEN_H
#define CAPQ_LIB_SCREEN_H

#include <stddef.h>

struct screen {
	int fd;         /* Of the terminal. */
	size_t n_lines; /* Of the block that is there now. */
	size_t width;   /* Of the terminal when it was drawn. */
};

/* The size of the terminal at `fd` now; 80 x 24 when it does not say. */
void screen_size(int fd, size_t *width, size_t *height);

/* Print `above` (lines that stay) where the block was, and `block` below it: whole lines, each at
 * most as wide as the terminal and fewer than it is high. Flush before what you have written to the
 * terminal by other ways. */
void screen_draw(struct screen *screen, const char *above, const char *block);

#endif
