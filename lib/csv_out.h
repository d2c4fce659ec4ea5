/* CSV (RFC 4180), written: fields come one by one, commas and quotes by themselves. Pure.
 *
 *   struct csv_out out = { 0 };
 *
 *   csv_out_text(&out, "torch");
 *   csv_out_int(&out, 426);
 *   csv_out_end_row(&out);
 *   ... out.text ...
 *   str_free(&out.text); */
#ifndef CAPQ_LIB_CSV_OUT_H
#define CAPQ_LIB_CSV_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/str.h"

struct csv_out {
	struct str text;
	bool need_comma;
};

void csv_out_text(struct csv_out *out, const char *text); /* NULL: an empty field. */
void csv_out_int(struct csv_out *out, int64_t value);

/* In up to `decimals` digits behind the point, zeros at the end left out; no number: empty. */
void csv_out_double(struct csv_out *out, double value, int decimals);

void csv_out_end_row(struct csv_out *out);

/* A row of names, which stand in one text with commas between them. */
void csv_out_header(struct csv_out *out, const char *names);

#endif
