#include "sim/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 500 /* Nothing is said of what is over sooner, nor more often than that. */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress)
{
	*progress = (struct progress){ .shown_at_ms = now_ms(), .is_terminal = isatty(2) == 1 };
}

void progress_show(struct progress *progress, size_t n_come, size_t n)
{
	if (!progress->is_terminal || now_ms() - progress->shown_at_ms < PATIENCE_MS)
		return;
	(void)fprintf(stderr, "\r%-8s %3zu %%", progress->policy, 100 * n_come / n);
	progress->shown_at_ms = now_ms();
	progress->is_shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown)
		(void)fprintf(stderr, "\r%20s\r", "");
}
