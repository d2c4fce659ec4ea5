/* What is under way, for whoever sits before a terminal: bars that are drawn anew in place, with
 * lines that stay above them. Elsewhere nothing is drawn, and lines are lines. */
#ifndef CAPQ_PUSH_WATCH_H
#define CAPQ_PUSH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/screen.h"
#include "lib/str.h"
#include "push/pace.h"

#define WATCH_MS 100 /* Between two drawings: as fast as eyes are. */

struct watched; /* A path under way. */

struct watch {
	bool is_drawn;   /* Standard error is a terminal that can be drawn on, and is to be. */
	bool has_colour; /* For lines as well: standard output may be a terminal of its own. */
	bool is_output_terminal;
	struct screen screen;
	struct str above; /* Lines to come above the bars at the next drawing. */

	struct watched *paths;
	size_t n_paths, capacity;
	struct pace nar, file;
	uint64_t ended_file_bytes; /* Sent for paths that are under way no more. */
};

/* Look at the terminal and the environment: TERM=dumb and CI mean no bars, NO_COLOR no colours.
 * With `wanted` false nothing is drawn. */
void watch_init(struct watch *watch, bool wanted, int64_t now_us);

/* Write `text`, whole lines, to `stream`: standard output or standard error; above the bars when
 * both are on a terminal. */
void watch_say(struct watch *watch, FILE *stream, const char *text);

/* A path is under way (`path` is borrowed until its end); how far it is; it is under way no more.
 */
void watch_start(struct watch *watch, const char *path, uint64_t nar_bytes, int64_t now_us);
void watch_progress(struct watch *watch, const char *path, uint64_t nar_bytes, uint64_t file_bytes,
	int64_t now_us);
void watch_end(struct watch *watch, const char *path, uint64_t file_bytes);

/* Draw: `n_done` of `n_paths` paths are done, `nar_done` of `nar_bytes` bytes. */
void watch_draw(struct watch *watch, size_t n_done, size_t n_paths, uint64_t nar_done,
	uint64_t nar_bytes, int64_t now_us);

/* Take the bars away; the lines stay. */
void watch_clear(struct watch *watch);

void watch_finish(struct watch *watch);

#endif
