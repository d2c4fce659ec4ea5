/* What capq says, and how: whether standard output is a terminal, may have colours, may be drawn
 * anew; text for people, JSON for programs. Everything printed here is made harmless first. */
#ifndef CAPQ_CLIENT_OUTPUT_H
#define CAPQ_CLIENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/job.h"
#include "lib/json.h"

struct output {
	bool is_json;
	bool is_terminal;
	bool has_colour;
	bool can_redraw; /* The terminal understands cursor movement. */
	bool is_utf8;    /* It shows more than ASCII. */
	size_t n_items;  /* Of the array that output_begin_array() began. */
};

/* Look at standard output and the environment: NO_COLOR, TERM=dumb. */
void output_init(struct output *output, bool is_json, bool no_colour);

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN };

/* The sequences that begin and end a colour; "" where there are none. */
const char *colour_begin(bool has_colour, enum colour colour);
const char *colour_end(bool has_colour, enum colour colour);

enum colour job_state_colour(enum job_state state);
enum colour build_state_colour(enum build_state state);

/* printf, without whatever could steer a terminal. */
void output_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same in a colour, and to standard error. */
void output_coloured(const struct output *output, enum colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void output_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line of a page of facts: the name, and behind it the text. */
void output_field(const struct output *output, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A JSON value, or its text, on a line of its own. */
void output_json(const struct json *value);
void output_json_text(const char *json);

/* An array whose items come one by one: begin, each on its line, end. After a failure it is not
 * ended, so that nobody takes it for whole. */
void output_begin_array(struct output *output);
void output_item(struct output *output, const char *json);
void output_end_array(struct output *output);

/* Everything is out: CAPQ_EFAILED or CAPQ_ENOSPC when it could not be written. */
int output_flush(struct err *err);

#endif
