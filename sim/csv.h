/* CSV files (RFC 4180), read strictly: the first record names the columns, in any order, and every
 * other record has as many fields. Fields may be quoted. Blank lines are skipped.
 *
 *   int rv = csv_open(&csv, path, err);
 *   int id = csv_column(&csv, "id");
 *   while (rv == 0 && (rv = csv_next(&csv, err)) > 0)
 *           use(csv_field(&csv, id));
 *   csv_finish(&csv);
 *
 * Fields are cut out of the file's text in place, so they live as long as it does. */
#ifndef CAPQ_SIM_CSV_H
#define CAPQ_SIM_CSV_H

#include <stddef.h>

#include "lib/err.h"

#define CSV_FILE_MAX ((size_t)1 << 30) /* Bytes. */
#define CSV_COLUMNS_MAX 64
#define CSV_NO_COLUMN (-1)

struct csv {
	char *name; /* Of the file, for errors. */
	char *text;
	char *end, *at;   /* Of the text; what is read next. */
	size_t line;      /* Where the record begins that was read last. */
	size_t next_line; /* Where `at` is. */
	char *columns[CSV_COLUMNS_MAX], *fields[CSV_COLUMNS_MAX];
	size_t n_columns, n_fields;
};

/* Read the whole file and its first record. CAPQ_EINVAL: it is no UTF-8, or has no columns, or one
 * twice; CAPQ_ETOOBIG. The caller ends with csv_finish(), also after a failure. */
int csv_open(struct csv *csv, const char *path, struct err *err);

/* The same of a text in memory, which is copied. */
int csv_parse(struct csv *csv, const char *name, const char *text, size_t len, struct err *err);
void csv_finish(struct csv *csv);

/* The next record. 1: there is one; 0: there is none; below 0: it is malformed. */
int csv_next(struct csv *csv, struct err *err);

int csv_column(const struct csv *csv, const char *name);  /* CSV_NO_COLUMN: there is none. */
const char *csv_field(const struct csv *csv, int column); /* "" without such a column. */

/* CAPQ_EINVAL with "FILE:LINE: " in front: something is wrong with the record read last. */
int csv_fail(const struct csv *csv, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Take the text over, in which all fields are. The caller frees. */
char *csv_take_text(struct csv *csv);

#endif
