/* Builds of the past as the API answers them (GET /history), and what they look like. Pure. */
#ifndef CAPQ_CLIENT_PAST_H
#define CAPQ_CLIENT_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/csv_out.h"
#include "lib/err.h"
#include "lib/json.h"

struct past {
	int64_t build_id;
	char *name; /* "torch-2.5.1" */
	char *set;
	char *builder;
	char *machine; /* NULL: none but the builder. */
	char *outcome; /* "built", "failed", "interrupted" */
	int64_t started_at, finished_at;
	double wall_s;
	double core_s;        /* Below 0: not known. */
	int64_t output_bytes; /* -1: not known. */
};

/* CAPQ_EFAILED: it is none that this version knows. The caller ends with past_finish(). */
int past_from_json(const struct json *json, struct past *out, struct err *err);
void past_finish(struct past *past);

bool past_is_built(const struct past *past);

/* Append a header, and a row. */
void past_csv_header(struct csv_out *out);
void past_to_csv(const struct past *past, struct csv_out *out);

/* Append a line for each set, in the order in which they come first: a chart of its builds, the
 * oldest first, and how many there were, from what to what, and their median. `items` stand newest
 * first; no line is wider than `width`. */
void past_add_chart(
	struct str *out, const struct past *items, size_t n, size_t width, bool is_utf8);

#endif
