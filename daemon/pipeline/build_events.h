/* What Nix tells while it builds: its stream of events, read line by line for a build_run. Which
 * derivation began and ended when and for whom, phases, log lines, how many are done of how many,
 * and what failed and why.
 *
 * A message that names one of a target's derivations, ride-alongs included, is that target's. An
 * error that names none is kept as the general one, the first of them. */
#ifndef CAPQ_DAEMON_PIPELINE_BUILD_EVENTS_H
#define CAPQ_DAEMON_PIPELINE_BUILD_EVENTS_H

#include "daemon/pipeline/build_run.h"

struct build_events;

struct build_events_spec {
	const struct build_run_target *targets; /* Copied, what is read of them. */
	size_t n;

	/* Text for the log of a target: a line of it, or what Nix said to all. */
	void (*on_log)(void *owner, size_t target, const char *text);

	/* The CPU time that Nix's children have used so far, those that ended; -1: unknown. */
	int64_t (*cpu_ms)(void *owner);
	void *owner;
};

struct build_events *build_events_create(const struct build_events_spec *spec);
void build_events_destroy(struct build_events *events); /* NULL is harmless. */

/* Read one line of Nix's standard error. */
void build_events_line(struct build_events *events, const char *line, size_t len);

/* Whether a derivation began that is none of the targets'. */
bool build_events_are_foreign(const struct build_events *events);

/* When a builder was last heard of, on the monotonic clock; at first when this was made. */
int64_t build_events_heard_ms(const struct build_events *events);

/* Why target `i` failed. The first that says so is believed; FAILURE_NONE, NULL: nobody did. */
void build_events_fail(
	struct build_events *events, size_t i, enum failure failure, const char *reason);
enum failure build_events_failure(
	const struct build_events *events, size_t i, const char **out_reason);

/* The same of the general error. */
enum failure build_events_general(const struct build_events *events, const char **out_reason);

/* Fill in what the stream says of target `i`; the rest of `out` stays as it is. */
void build_events_progress(const struct build_events *events, size_t i, struct build_progress *out);

/* What began to be built, in order. `build_events_own_drv`: what target `i` itself names, if it
 * ended; NULL otherwise. Borrowed. */
const struct build_run_drv *build_events_drvs(const struct build_events *events, size_t *out_n);
const struct build_run_drv *build_events_own_drv(const struct build_events *events, size_t i);

#endif
