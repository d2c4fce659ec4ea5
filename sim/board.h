/* What waits, what each needs that is not built, and for whom it stays. */
#ifndef CAPQ_SIM_BOARD_H
#define CAPQ_SIM_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/trace.h"

enum board_state {
	BOARD_AHEAD, /* It has not come yet. */
	BOARD_WAITS,
	BOARD_RUNS,
	BOARD_BUILT,
	BOARD_LEFT, /* Superseded, and nobody needs it. */
};

/* A list of rows. Zero-initialise it; the caller frees the items. */
struct rows {
	uint32_t *items;
	size_t n, capacity;
};

struct board;

struct board *board_create(const struct trace *trace);
void board_destroy(struct board *board);

enum board_state board_state(const struct board *board, uint32_t index);

/* What has to come so that `index` can: itself behind those that left and that it needs, directly
 * or not, each behind what it needs. Each is then to be added with board_add(). */
void board_find_coming(struct board *board, uint32_t index, struct rows *out);

/* `index` waits from now on, and `out` has what it needs that is not built. */
void board_add(struct board *board, uint32_t index, bool is_wanted, struct rows *out);

/* Nobody wants `index` itself any more: if it waits and nothing needs it, it leaves, and so does
 * what only it needed. `out` has them, each before what it needs. */
void board_unwant(struct board *board, uint32_t index, struct rows *out);

void board_start(struct board *board, uint32_t index);

/* It runs no more. `out` has what waited only for it. */
void board_end(struct board *board, uint32_t index, struct rows *out);

/* What waits of a package, in no order. */
const struct rows *board_waiting(const struct board *board, uint32_t package_index);

size_t board_n_waiting(const struct board *board);

void rows_add(struct rows *rows, uint32_t index);

#endif
