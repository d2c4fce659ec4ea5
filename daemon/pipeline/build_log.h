/* The log of one attempt of a build: its head and its tail are kept, a line between says how much
 * is not; readable at any time; compressed when it is complete.
 *
 * Files in the log directory, ID being the attempt's:
 *   ID.log      the head, while the build runs
 *   ID.tail     what came behind it, as a ring: a header, then the last tail_bytes bytes
 *   ID.log.zst  all that was kept, once complete: zstd frames of BUILD_LOG_FRAME bytes of text
 * each, so that a reader finds a place without unpacking what is before it, and a skippable frame
 * with the three numbers that say where the hole is
 *
 * Positions count the bytes that the build printed, kept or not: they mean the same while the log
 * grows, when it is complete, and after a restart. */
#ifndef CAPQ_DAEMON_PIPELINE_BUILD_LOG_H
#define CAPQ_DAEMON_PIPELINE_BUILD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/err.h"

#define BUILD_LOG_FRAME (1u << 20)

/* ---- writing ---- */

struct build_log;

/* Begin the log of attempt `id` in the existing directory. One that cannot be written keeps nothing
 * from there on and says so in capqd's log: a full disk must not fail a build. */
struct build_log *build_log_create(
	const char *directory, int64_t id, int64_t head_bytes, int64_t tail_bytes);

/* Append one line; a newline is added. */
void build_log_add(struct build_log *log, const char *line, size_t len);

/* Bytes added so far, kept or not. */
int64_t build_log_bytes(const struct build_log *log);

/* It is complete: compress it on a worker thread of `loop`, and free it. `on_done` runs once,
 * later. */
void build_log_close(struct build_log *log, uv_loop_t *loop,
	void (*on_done)(void *owner, int64_t id), void *owner);

/* Compress what an earlier daemon left as it was. Blocks. Returns the bytes printed, 0 when there
 * is nothing. */
int64_t build_log_recover(const char *directory, int64_t id);

void build_log_remove(const char *directory, int64_t id);

/* ---- reading ---- */

struct build_log_reader;

/* CAPQ_ENOTFOUND when there is no log of that attempt. */
int build_log_open(
	const char *directory, int64_t id, struct build_log_reader **out, struct err *err);
void build_log_reader_close(struct build_log_reader *reader); /* NULL is harmless. */

/* Bytes printed so far. */
int64_t build_log_size(struct build_log_reader *reader);

/* True when something was left out, and from where to where. */
bool build_log_hole(struct build_log_reader *reader, int64_t *out_from, int64_t *out_to);

/* Copy what is at `*position` to `out`, at most `size` bytes (256 at least), and move `*position`
 * behind it. At the hole, that is one line that tells how much is left out. Returns how many bytes
 * were copied; 0 at the end. */
size_t build_log_read(struct build_log_reader *reader, int64_t *position, char *out, size_t size);

#endif
