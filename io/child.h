/* Running programs on a libuv loop: started so that they end when we do, read line by line, limited
 * in time and memory, stopped for certain, and ended exactly once.
 *
 * A child is started through the launcher (launch.c), which asks the kernel to signal it when this
 * process dies, sets its limits and then becomes the program. It leads its own process group, and
 * inherits one descriptor, `struct children.inherit_fd`, which a caller can use to see when the
 * last descendant is gone. */
#ifndef CAPQ_IO_CHILD_H
#define CAPQ_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/err.h"

struct child; /* One running program. Frees itself right after `on_done` returns. */

/* All children of one owner: what they have in common. */
struct children {
	uv_loop_t *loop;
	const char *launcher; /* Path of the launcher; borrowed. */
	int inherit_fd;       /* Left open in every child; -1: none. */
	struct child *first;  /* All that have not ended yet; child.c's own. */
	size_t n;
};

enum child_outcome {
	CHILD_EXITED,        /* By itself; `code` is its exit status. */
	CHILD_SIGNALED,      /* By a signal that was not ours; `code` is its number. */
	CHILD_TIMED_OUT,     /* The time limit. */
	CHILD_OUT_OF_MEMORY, /* The memory limit. */
	CHILD_OUTPUT_LIMIT,  /* It printed more than `max_output`. */
	CHILD_STOPPED,       /* child_stop() */
};

/* How a child ended; all borrowed, for the time of the callback. */
struct child_end {
	enum child_outcome outcome;
	int code;
	const char *stderr_tail; /* The end of its standard error, printable; "" when `on_stderr`
				  * was set or nothing was said. */
};

struct child_spec {
	const char *name;        /* For logs and errors: "evaluator", "nix-store". */
	const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH. */
	/* "NAME=VALUE" added to the environment; NULL-terminated or NULL. */
	const char *const *env;
	const char *directory; /* Where it runs; NULL: where we do. */
	bool with_secrets;     /* Keep what otherwise is taken out of its environment: every
				* CACHIX_*, CAPQ_* and CREDENTIALS_DIRECTORY. */
	const void *input;     /* For its standard input, which otherwise is empty. */
	size_t input_len;
	uint64_t timeout_ms;    /* Wall-clock limit for the whole run; 0: none. */
	uint64_t kill_grace_ms; /* From the stop signal to SIGKILL. */
	int stop_signal;        /* SIGTERM, or SIGKILL for what ignores it; 0: SIGTERM. */
	uint64_t memory_bytes;  /* Resident memory at which it is killed; 0: no limit. */
	uint64_t max_output;    /* Bytes of stdout and stderr together; 0: no limit. */
	size_t max_line;        /* Longer lines come in pieces; 0: 64 KiB. */

	/* One line without its newline; not NUL-terminated, valid during the call only. NULL: what
	 * goes to standard output is thrown away; the end of standard error is kept for child_end.
	 */
	void (*on_stdout)(void *owner, const char *line, size_t len);
	void (*on_stderr)(void *owner, const char *line, size_t len);

	/* The end: it has exited and its output has ended (or descendants kept it open for more
	 * than CHILD_LINGER_MS). */
	void (*on_done)(void *owner, const struct child_end *end);
	void *owner; /* Passed to the callbacks; must outlive the child. */
};

#define CHILD_LINGER_MS 2000

/* Start `spec`. It is copied; argv, env and input are only read during the call. Returns 0 and sets
 * `*out`: `on_done` runs exactly once, later, from the loop. Returns a negative code, `*out`
 * untouched: no callback runs. That a program does not exist is found out by the launcher: such a
 * child exits with CHILD_EXIT_NOT_RUN and a sentence on standard error. */
int child_start(struct children *children, const struct child_spec *spec, struct child **out,
	struct err *err);

#define CHILD_EXIT_NOT_RUN 127

/* Ask the child to stop and end as `why`. Does nothing when it is stopping already. Allowed any
 * time before `on_done` returns, also from the other callbacks. */
void child_stop(struct child *child, enum child_outcome why);

/* Its process id, which is also that of its process group; not to be used once it has exited. */
int child_pid(const struct child *child);

/* CPU time that descendants which have ended and were waited for by the child took, in ms; 0 when
 * it cannot be known (the child is gone, or they ran elsewhere). */
int64_t child_descendants_cpu_ms(const struct child *child);

/* Stop every child; those started later are not affected. */
void children_stop_all(struct children *children);

/* Kill what outlived its parent and was handed to us because we are a subreaper: processes that are
 * our children and not among `children`, which must be all that this process starts. Returns how
 * many there were that still ran. What has been killed is waited for at a later call at the
 * latest. */
size_t children_kill_orphans(struct children *children);

/* "exited with status 1", "was killed by signal 9", ... for errors. Writes at most `size` bytes. */
void child_describe_end(const struct child_end *end, char *out, size_t size);

#endif
