#include "sim/csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"

#define READ_CHUNK ((size_t)1 << 16)

int csv_fail(const struct csv *csv, struct err *err, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(err, CAPQ_EINVAL, "%s:%zu: %s", csv->name, csv->line, text);
}

/* ---- fields ---- */

static void add_field(struct csv *csv, char *field)
{
	if (csv->n_fields < CSV_COLUMNS_MAX)
		csv->fields[csv->n_fields] = field;
	csv->n_fields++;
}

/* Behind a field: a comma (true: another field follows), the end of the line, or of the text. The
 * field that ends at `end` gets its NUL there. */
static int end_field(struct csv *csv, char *end, struct err *err)
{
	char *at = csv->at;
	bool has_more = false;

	if (at == csv->end) {
		*end = '\0';
		return 0;
	}
	if (*at == '\r' && at + 1 < csv->end && at[1] == '\n')
		at++;
	if (*at == '\n')
		csv->next_line++;
	else if (*at == ',')
		has_more = true;
	else
		return csv_fail(csv, err, "a quote ends within a field");
	csv->at = at + 1;
	*end = '\0';
	return has_more;
}

/* Doubled quotes are halved in place. */
static int read_quoted(struct csv *csv, struct err *err)
{
	char *to = ++csv->at;

	add_field(csv, to);
	for (; csv->at < csv->end; csv->at++) {
		if (*csv->at == '"' && *++csv->at != '"')
			return end_field(csv, to, err);
		csv->next_line += *csv->at == '\n';
		*to++ = *csv->at;
	}
	return csv_fail(csv, err, "a quoted field does not end");
}

static int read_bare(struct csv *csv, struct err *err)
{
	char *end;

	add_field(csv, csv->at);
	csv->at += strcspn(csv->at, ",\"\n\r");
	end = csv->at;
	if (csv->at < csv->end && *csv->at == '"')
		return csv_fail(csv, err, "a quote within a field that is not quoted");
	if (csv->at < csv->end && *csv->at == '\r' && csv->at[1] != '\n')
		return csv_fail(csv, err, "a carriage return alone");
	return end_field(csv, end, err);
}

static void skip_blank_lines(struct csv *csv)
{
	for (;;) {
		size_t n = strspn(csv->at, "\r");

		if (csv->at[n] != '\n')
			return;
		csv->at += n + 1;
		csv->next_line++;
	}
}

/* 1: there is a record; 0: there is none. */
static int read_record(struct csv *csv, struct err *err)
{
	int more = 1;

	skip_blank_lines(csv);
	csv->line = csv->next_line;
	csv->n_fields = 0;
	if (csv->at == csv->end)
		return 0;
	while (more > 0)
		more = *csv->at == '"' ? read_quoted(csv, err) : read_bare(csv, err);
	return more < 0 ? more : 1;
}

int csv_next(struct csv *csv, struct err *err)
{
	int rv = read_record(csv, err);

	if (rv > 0 && csv->n_fields != csv->n_columns)
		return csv_fail(csv, err, "%zu fields, but there are %zu columns", csv->n_fields,
			csv->n_columns);
	return rv;
}

/* ---- columns ---- */

static int read_columns(struct csv *csv, struct err *err)
{
	int rv = read_record(csv, err);

	if (rv == 0)
		return csv_fail(csv, err, "empty; the first line names the columns");
	if (rv < 0)
		return rv;
	if (csv->n_fields > CSV_COLUMNS_MAX)
		return csv_fail(csv, err, "more than %d columns", CSV_COLUMNS_MAX);
	for (size_t i = 0; i < csv->n_fields; i++) {
		if (csv_column(csv, csv->fields[i]) != CSV_NO_COLUMN)
			return csv_fail(csv, err, "column '%.60s' twice", csv->fields[i]);
		csv->columns[csv->n_columns++] = csv->fields[i];
	}
	return 0;
}

int csv_column(const struct csv *csv, const char *name)
{
	for (size_t i = 0; i < csv->n_columns; i++)
		if (strcmp(csv->columns[i], name) == 0)
			return (int)i;
	return CSV_NO_COLUMN;
}

const char *csv_field(const struct csv *csv, int column)
{
	return column == CSV_NO_COLUMN ? "" : csv->fields[column];
}

/* ---- the text ---- */

/* The text with a NUL behind it. */
static int begin(struct csv *csv, struct str *text, struct err *err)
{
	size_t len = text->len;
	char *at = csv->text = str_take(text);

	csv->line = csv->next_line = 1;
	csv->end = at + len;
	if (!str_is_utf8(at, len) || memchr(at, '\0', len) != NULL)
		return err_set(err, CAPQ_EINVAL, "%s: not UTF-8 text", csv->name);
	csv->at = str_starts(at, "\xef\xbb\xbf") ? at + 3 : at; /* A byte order mark. */
	return read_columns(csv, err);
}

int csv_parse(struct csv *csv, const char *name, const char *text, size_t len, struct err *err)
{
	struct str copy = { 0 };

	*csv = (struct csv){ .name = xstrdup(name) };
	str_add_bytes(&copy, text, len);
	return begin(csv, &copy, err);
}

static int read_all(FILE *file, const char *path, struct str *out, struct err *err)
{
	cleanup_free char *chunk = xmalloc(READ_CHUNK);
	size_t n;

	while ((n = fread(chunk, 1, READ_CHUNK, file)) > 0) {
		str_add_bytes(out, chunk, n);
		if (out->len > CSV_FILE_MAX)
			return err_set(
				err, CAPQ_ETOOBIG, "%s: more than %zu bytes", path, CSV_FILE_MAX);
	}
	return ferror(file) ? err_errno(err, errno, "%s", path) : 0;
}

int csv_open(struct csv *csv, const char *path, struct err *err)
{
	cleanup_str struct str text = { 0 };
	FILE *file = fopen(path, "re");
	int rv;

	*csv = (struct csv){ .name = xstrdup(path) };
	if (file == NULL)
		return err_errno(err, errno, "%s", path);
	rv = read_all(file, path, &text, err);
	(void)fclose(file);
	return rv < 0 ? rv : begin(csv, &text, err);
}

char *csv_take_text(struct csv *csv)
{
	return STEAL_POINTER(csv->text);
}

void csv_finish(struct csv *csv)
{
	free(csv->name);
	free(csv->text);
	*csv = (struct csv){ 0 };
}
