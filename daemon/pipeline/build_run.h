/* Build: one nix-store process that builds one derivation, or several cheap ones in one slot, while
 * its event stream is read: phases, log lines, which derivation began and ended when.
 *
 * The happy path: every derivation's outputs are valid, rooted by the process itself, and every
 * derivation that Nix built on the way, ride-alongs included, is known with its times.
 * - A derivation fails: its class and reason come from Nix's message that names it, or names what
 * it needed. What of a batch is valid all the same is found out by asking the store, and rooted.
 * - A derivation begins that is none of ours (an input was collected meanwhile): the process is
 *   stopped, and what is not valid has to be planned anew.
 * - It takes longer than it may, or is silent for longer: stopped. Nix has the same limits, but
 * does not apply them on remote builders.
 * - It is stopped, or dies: what is not valid was interrupted. */
#ifndef CAPQ_DAEMON_PIPELINE_BUILD_RUN_H
#define CAPQ_DAEMON_PIPELINE_BUILD_RUN_H

#include "daemon/pipeline/build_log.h"
#include "daemon/pipeline/nix.h"
#include "lib/failure.h"

struct build_run; /* Frees itself right after `on_done` returns. */

struct build_run_ride {
	const char *drv_path;
	bool is_fetch;
};

struct build_run_target {
	int64_t build_id, attempt_id; /* For the callbacks; the attempt names the log. */
	const char *drv_path;
	const char *outputs; /* A JSON object, output -> store path. */
	bool is_fetch;
	const struct build_run_ride *rides;
	size_t n_rides;
};

struct build_run_spec {
	const struct build_run_target *targets; /* Copied with all in it. */
	size_t n;
	const char *root; /* File name that the links to the outputs begin with. */
	const char *log_directory;
	const char *features; /* System features of the builder, separated by blanks. */
	int64_t cores;

	void (*on_done)(void *owner, const struct build_run *run);
	void *owner;
};

/* A derivation that Nix began to build. */
struct build_run_drv {
	char *drv_path;
	size_t target; /* Whose it is. */
	bool is_ride;
	char *machine;                /* "": the builder itself. */
	int64_t started_at;           /* ms since 1970 */
	int64_t started_us, ended_us; /* On the monotonic clock; ended_us 0: it did not end. */
	int64_t core_ms;              /* -1: unknown. */
	bool failed;
};

/* What became of a target. */
struct build_run_result {
	int64_t build_id, attempt_id;
	bool built;           /* All outputs are valid and rooted. */
	bool plan_again;      /* Its inputs are not what they were. */
	bool nix_is_away;     /* Nix never began: its daemon cannot be reached. */
	enum failure failure; /* When it is not built. */
	const char *reason;   /* A sentence. */
	int64_t log_bytes;
	int64_t wall_ms, core_ms; /* Of its own derivation; -1: it was not built here. */
};

/* For on_done(), and all borrowed from the run. */
size_t build_run_n(const struct build_run *run);
void build_run_result(const struct build_run *run, size_t i, struct build_run_result *out);
const struct build_run_drv *build_run_drvs(const struct build_run *run, size_t *out_n);

/* How far target `i` is. Texts are borrowed until the loop goes on. */
struct build_progress {
	const char *phase;      /* "" before the first. */
	const char *derivation; /* Name of what is being built; "" before the first. */
	const char *last_line;
	int64_t done, expected; /* Derivations. */
	int64_t elapsed_ms;
	int64_t log_bytes;
};
void build_run_progress(const struct build_run *run, size_t i, struct build_progress *out);

/* Start. Returns 0 and sets `*out`: `on_done` runs exactly once, later. A negative code: it could
 * not be started, no callback runs. */
int build_run_start(struct nix *nix, const struct build_run_spec *spec, struct build_run **out,
	struct err *err);

/* Stop it. What has become valid by then is built all the same. */
void build_run_stop(struct build_run *run);

#endif
