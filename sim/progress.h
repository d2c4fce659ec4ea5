/* How far a long simulation is, on a terminal. */
#ifndef CAPQ_SIM_PROGRESS_H
#define CAPQ_SIM_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	const char *policy;
	int64_t shown_at_ms;
	bool is_terminal; /* Else nothing is shown. */
	bool is_shown;
};

void progress_begin(struct progress *progress);
void progress_show(struct progress *progress, size_t n_come, size_t n);
void progress_end(struct progress *progress); /* The line is empty again. */

#endif
