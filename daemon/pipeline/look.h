/* Look: which GPU code the outputs of a build hold, found out by capq-inspect, a child that is
 * limited in time, memory and output; and whether that is what was asked for. */
#ifndef CAPQ_DAEMON_PIPELINE_LOOK_H
#define CAPQ_DAEMON_PIPELINE_LOOK_H

#include "io/child.h"
#include "lib/capability.h"
#include "lib/gpu_code.h"
#include "lib/str.h"

struct look; /* One capq-inspect. Frees itself right after `on_done` returns. */

/* A file that holds GPU code, or is damaged. */
struct looked_file {
	char *path;
	char *error; /* NULL: it is not damaged. */
	struct gpu_code code;
};

/* What was found; owned by the one who is told. */
struct looked {
	struct looked_file *files; /* In the order of their names. */
	size_t n, capacity;
	char *problem; /* Why not all could be looked at; NULL: all was. */
};

void looked_finish(struct looked *looked);

struct look_spec {
	const char *program; /* capq-inspect; borrowed for the call. */
	const char *outputs; /* A JSON object, output -> store path; likewise. */
	uint64_t timeout_ms;
	void (*on_done)(void *owner, struct looked *looked); /* Once, later. */
	void *owner;
};

int look_start(struct children *children, const struct look_spec *spec, struct look **out,
	struct err *err);
void look_stop(struct look *look);

/* True: every unit of every file holds all of `asked`. False: the first file that does not, and
 * what it lacks, is appended to `out_why`. */
bool looked_holds(
	const struct looked *looked, const struct capability_set *asked, struct str *out_why);

#endif
