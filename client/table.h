/* A table: aligned on a terminal (libsmartcols: cut to its width, colours), one row a line with a
 * tab between cells elsewhere. Both have the same columns and begin with their names. */
#ifndef CAPQ_CLIENT_TABLE_H
#define CAPQ_CLIENT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/output.h"

struct column {
	const char *name; /* "ID"; NULL behind the last. */
	bool is_number;   /* Aligned to the right. */
	bool may_be_cut;  /* When the terminal is too narrow. */
};

struct table;

/* Begin a table. Rows are printed at once where nothing is to be aligned. */
struct table *table_create(
	const struct output *output, const struct column *columns, bool no_header);

/* The cells of a row in the order of the columns; NULL is an empty one. */
void table_text(struct table *table, const char *text);
void table_coloured(struct table *table, enum colour colour, const char *text);
void table_int(struct table *table, int64_t value);

void table_end_row(struct table *table);

/* Print what is not printed yet: nothing may follow. */
void table_print(struct table *table);

void table_destroy(struct table *table);

#endif
