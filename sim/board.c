#include "sim/board.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/mem.h"

struct place {
	struct rows dependents; /* That wait. */
	uint32_t n_needs;       /* Not built. */
	uint32_t at;            /* In the list of its package, while it waits. */
	uint8_t state;          /* enum board_state */
	bool is_wanted;         /* Itself. */
	bool is_marked;
};

struct board {
	const struct trace *trace;
	struct place *places;
	struct rows *waiting; /* By package. */
	size_t n_waiting;
};

void rows_add(struct rows *rows, uint32_t index)
{
	array_reserve(&rows->items, &rows->capacity, rows->n + 1, sizeof *rows->items);
	rows->items[rows->n++] = index;
}

static void rows_remove(struct rows *rows, uint32_t index)
{
	for (size_t i = rows->n; i-- > 0;) {
		if (rows->items[i] == index) {
			rows->items[i] = rows->items[--rows->n];
			return;
		}
	}
}

struct board *board_create(const struct trace *trace)
{
	struct board *board = xcalloc(1, sizeof *board);

	board->trace = trace;
	board->places = xcalloc(trace->n, sizeof *board->places);
	board->waiting = xcalloc(trace->n_packages, sizeof *board->waiting);
	return board;
}

void board_destroy(struct board *board)
{
	for (size_t i = 0; i < board->trace->n; i++)
		free(board->places[i].dependents.items);
	for (size_t i = 0; i < board->trace->n_packages; i++)
		free(board->waiting[i].items);
	free(board->places);
	free(board->waiting);
	free(board);
}

enum board_state board_state(const struct board *board, uint32_t index)
{
	return (enum board_state)board->places[index].state;
}

/* ---- who waits ---- */

static void begin_waiting(struct board *board, uint32_t index)
{
	struct rows *waiting = &board->waiting[board->trace->rows[index].package_index];

	board->places[index].state = BOARD_WAITS;
	board->places[index].at = (uint32_t)waiting->n;
	rows_add(waiting, index);
	board->n_waiting++;
}

static void end_waiting(struct board *board, uint32_t index, enum board_state state)
{
	struct rows *waiting = &board->waiting[board->trace->rows[index].package_index];
	uint32_t at = board->places[index].at, last = waiting->items[--waiting->n];

	waiting->items[at] = last;
	board->places[last].at = at;
	board->places[index].state = (uint8_t)state;
	board->n_waiting--;
}

const struct rows *board_waiting(const struct board *board, uint32_t package_index)
{
	return &board->waiting[package_index];
}

size_t board_n_waiting(const struct board *board)
{
	return board->n_waiting;
}

/* ---- they come ---- */

static int compare_indices(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Needs are earlier rows, so the order of rows will do. */
void board_find_coming(struct board *board, uint32_t index, struct rows *out)
{
	rows_add(out, index);
	for (size_t i = 0; i < out->n; i++) {
		const struct row *row = &board->trace->rows[out->items[i]];

		for (uint32_t k = 0; k < row->n_needs; k++) {
			struct place *need = &board->places[row->needs[k]];

			if (need->state != BOARD_LEFT || need->is_marked)
				continue;
			need->is_marked = true;
			rows_add(out, row->needs[k]);
		}
	}
	array_sort(out->items, out->n, sizeof *out->items, compare_indices);
	for (size_t i = 0; i < out->n; i++)
		board->places[out->items[i]].is_marked = false;
}

void board_add(struct board *board, uint32_t index, bool is_wanted, struct rows *out)
{
	const struct row *row = &board->trace->rows[index];
	struct place *place = &board->places[index];

	place->is_wanted = is_wanted;
	for (uint32_t i = 0; i < row->n_needs; i++) {
		struct place *need = &board->places[row->needs[i]];

		if (need->state == BOARD_BUILT)
			continue;
		assert(need->state == BOARD_WAITS || need->state == BOARD_RUNS);
		rows_add(&need->dependents, index);
		rows_add(out, row->needs[i]);
	}
	place->n_needs = (uint32_t)out->n;
	begin_waiting(board, index);
}

/* ---- they go ---- */

static bool is_live(const struct place *place)
{
	return place->state != BOARD_WAITS || place->is_wanted || place->dependents.n > 0;
}

/* What it needs may be needed by nobody then: it goes behind it in the list. */
static void leave(struct board *board, uint32_t index, struct rows *out)
{
	const struct row *row = &board->trace->rows[index];

	end_waiting(board, index, BOARD_LEFT);
	for (uint32_t i = 0; i < row->n_needs; i++) {
		struct place *need = &board->places[row->needs[i]];

		if (need->state == BOARD_BUILT)
			continue;
		rows_remove(&need->dependents, index);
		if (!is_live(need))
			rows_add(out, row->needs[i]);
	}
}

void board_unwant(struct board *board, uint32_t index, struct rows *out)
{
	board->places[index].is_wanted = false;
	if (is_live(&board->places[index]))
		return;
	rows_add(out, index);
	for (size_t i = 0; i < out->n; i++)
		leave(board, out->items[i], out);
}

void board_start(struct board *board, uint32_t index)
{
	assert(board->places[index].state == BOARD_WAITS && board->places[index].n_needs == 0);
	end_waiting(board, index, BOARD_RUNS);
}

void board_end(struct board *board, uint32_t index, struct rows *out)
{
	struct place *place = &board->places[index];

	place->state = BOARD_BUILT;
	for (size_t i = 0; i < place->dependents.n; i++)
		if (--board->places[place->dependents.items[i]].n_needs == 0)
			rows_add(out, place->dependents.items[i]);
	free(place->dependents.items);
	place->dependents = (struct rows){ 0 };
}
