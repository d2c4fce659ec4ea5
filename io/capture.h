/* Run a program for its answer: what it prints is collected, bounded, and handed out at the end. */
#ifndef CAPQ_IO_CAPTURE_H
#define CAPQ_IO_CAPTURE_H

#include "io/child.h"
#include "lib/str.h"

struct capture; /* Frees itself right after `on_done` returns. */

struct capture_spec {
	const char *name;
	const char *const *argv;
	const char *const *env; /* As in child_spec. */
	uint64_t timeout_ms;
	uint64_t max_output; /* 0: 1 MiB */

	/* The end, once, later. `message` is NULL when the program exited with 0; otherwise a
	 * sentence with the end of its standard error. `out` is its standard output, without the
	 * last newline; both are borrowed. */
	void (*on_done)(void *owner, const char *message, const char *out);
	void *owner;
};

/* Start it. A negative code: nothing was started, no callback runs. */
int capture_start(struct children *children, const struct capture_spec *spec, struct capture **out,
	struct err *err);
void capture_stop(struct capture *capture);

#endif
