#include "client/output.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] != '\0';
}

void output_init(struct output *output, bool is_json, bool no_colour)
{
	const char *term = getenv("TERM");

	output->is_json = is_json;
	output->is_terminal = isatty(STDOUT_FILENO) == 1;
	output->can_redraw = output->is_terminal && !is_json && term != NULL && term[0] != '\0' &&
			     strcmp(term, "dumb") != 0;
	output->is_utf8 = output->can_redraw && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	output->has_colour = output->can_redraw && !no_colour && !is_set("NO_COLOR");
}

const char *colour_begin(bool has_colour, enum colour colour)
{
	static const char *const sequences[] = {
		[PLAIN] = "",
		[BOLD] = "\033[1m",
		[DIM] = "\033[2m",
		[RED] = "\033[31m",
		[GREEN] = "\033[32m",
		[YELLOW] = "\033[33m",
		[BLUE] = "\033[34m",
		[MAGENTA] = "\033[35m",
		[CYAN] = "\033[36m",
	};

	return has_colour ? sequences[colour] : "";
}

const char *colour_end(bool has_colour, enum colour colour)
{
	return has_colour && colour != PLAIN ? "\033[0m" : "";
}

enum colour job_state_colour(enum job_state state)
{
	static const enum colour colours[JOB_STATES] = {
		[JOB_EVALUATING] = CYAN,
		[JOB_PLANNING] = CYAN,
		[JOB_PUSHING] = BLUE,
		[JOB_DONE] = GREEN,
		[JOB_ON_HOLD] = MAGENTA,
		[JOB_FAILED] = RED,
		[JOB_CANCELLED] = DIM,
		[JOB_SUPERSEDED] = DIM,
	};

	return colours[state];
}

enum colour build_state_colour(enum build_state state)
{
	static const enum colour colours[BUILD_STATES] = {
		[BUILD_BUILDING] = YELLOW,
		[BUILD_VERIFYING] = CYAN,
		[BUILD_PUSHING] = BLUE,
		[BUILD_DONE] = GREEN,
		[BUILD_FAILED] = RED,
	};

	return colours[state];
}

static char *format_text(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		abort(); /* No memory. */
	return text;
}

/* A failed write is remembered by stdio and found by output_flush(). */
static void print_harmless(FILE *file, const char *text)
{
	cleanup_str struct str harmless = { 0 };

	str_add_printable(&harmless, text, strlen(text));
	(void)fputs(str_text(&harmless), file);
}

static void print_formatted(FILE *file, const char *format, va_list args)
{
	cleanup_free char *text = format_text(format, args);

	print_harmless(file, text);
}

void output_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_formatted(stdout, format, args);
	va_end(args);
}

void output_coloured(const struct output *output, enum colour colour, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs(colour_begin(output->has_colour, colour), stdout);
	print_formatted(stdout, format, args);
	(void)fputs(colour_end(output->has_colour, colour), stdout);
	va_end(args);
}

void output_note(const char *format, ...)
{
	va_list args;

	(void)fflush(stdout); /* In the order in which it was said. */
	va_start(args, format);
	print_formatted(stderr, format, args);
	va_end(args);
}

#define FIELD_WIDTH "13"

/* A text of several lines stays behind its name. */
static void print_indented(const char *text)
{
	for (const char *newline; (newline = strchr(text, '\n')) != NULL; text = newline + 1)
		output_printf("%.*s\n  %" FIELD_WIDTH "s", (int)(newline - text), text, "");
	output_printf("%s\n", text);
}

void output_field(const struct output *output, const char *name, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	output_coloured(output, DIM, "  %-" FIELD_WIDTH "s", name);
	print_indented(text);
	free(text);
}

void output_json_text(const char *json)
{
	print_harmless(stdout, json);
	(void)putchar('\n');
}

void output_json(const struct json *value)
{
	cleanup_str struct str text = { 0 };

	json_print(value, &text);
	output_json_text(text.text);
}

void output_begin_array(struct output *output)
{
	output->n_items = 0;
}

void output_item(struct output *output, const char *json)
{
	(void)fputs(output->n_items++ == 0 ? "[" : ",\n ", stdout);
	print_harmless(stdout, json);
}

void output_end_array(struct output *output)
{
	(void)puts(output->n_items == 0 ? "[]" : "]");
}

int output_flush(struct err *err)
{
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return err_errno(err, errno, "standard output");
	return 0;
}
