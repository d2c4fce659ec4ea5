#include "client/table.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/text.h"
#include "lib/mem.h"
#include "lib/str.h"

struct table {
	const struct output *output;
	struct libscols_table *aligned; /* NULL: rows are printed as they come. */
	const struct column *names;     /* To be printed yet; NULL: they are, or shall not be. */
	struct libscols_line *line;     /* The row that is being filled. */
	struct str row;                 /* The same for rows printed as they come. */
	size_t n_cells;                 /* Filled in it. */
};

static void begin_aligned(struct table *table, const struct column *columns)
{
	table->aligned = scols_new_table();
	if (table->aligned == NULL)
		abort(); /* No memory. */
	(void)scols_table_enable_noheadings(table->aligned, table->names == NULL);
	(void)scols_table_enable_colors(table->aligned, table->output->has_colour);
	for (const struct column *c = columns; c->name != NULL; c++) {
		int flags =
			(c->is_number ? SCOLS_FL_RIGHT : 0) | (c->may_be_cut ? SCOLS_FL_TRUNC : 0);

		(void)scols_table_new_column(table->aligned, c->name, 0, flags);
	}
}

/* Before the first row, so that an error before it stands alone. */
static void print_names(struct table *table)
{
	if (table->names == NULL)
		return;
	for (const struct column *c = table->names; c->name != NULL; c++)
		(void)printf("%s%s", c == table->names ? "" : "\t", c->name);
	(void)putchar('\n');
	table->names = NULL;
}

struct table *table_create(
	const struct output *output, const struct column *columns, bool no_header)
{
	struct table *table = xcalloc(1, sizeof *table);

	table->output = output;
	table->names = no_header ? NULL : columns;
	if (output->is_terminal)
		begin_aligned(table, columns);
	return table;
}

static void fill_aligned(struct table *table, enum colour colour, const char *text)
{
	struct libscols_cell *cell;

	if (table->line == NULL)
		table->line = scols_table_new_line(table->aligned, NULL);
	cell = scols_line_get_cell(table->line, table->n_cells);
	if (cell == NULL)
		abort(); /* No memory, or more cells than columns. */
	(void)scols_cell_set_data(cell, text);
	if (colour != PLAIN)
		(void)scols_cell_set_color(cell, colour_begin(true, colour));
}

void table_coloured(struct table *table, enum colour colour, const char *text)
{
	cleanup_str struct str cell = { 0 };

	text_add_line(&cell, text);
	if (table->aligned != NULL) {
		fill_aligned(table, colour, str_text(&cell));
	} else {
		if (table->n_cells > 0)
			str_add_char(&table->row, '\t');
		str_add(&table->row, str_text(&cell));
	}
	table->n_cells++;
}

void table_text(struct table *table, const char *text)
{
	table_coloured(table, PLAIN, text);
}

void table_int(struct table *table, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRId64, value);
	table_text(table, text);
}

void table_end_row(struct table *table)
{
	if (table->aligned == NULL) {
		print_names(table);
		(void)puts(str_text(&table->row));
	}
	str_clear(&table->row);
	table->line = NULL;
	table->n_cells = 0;
}

void table_print(struct table *table)
{
	if (table->aligned != NULL)
		(void)scols_print_table(table->aligned);
	else
		print_names(table);
}

void table_destroy(struct table *table)
{
	scols_unref_table(table->aligned); /* NULL is harmless. */
	str_free(&table->row);
	free(table);
}
