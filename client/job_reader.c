#include "client/job_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int job_reader_open(struct job_reader *reader, const char *name, struct err *err)
{
	bool is_stdin = strcmp(name, "-") == 0;

	*reader = (struct job_reader){
		.name = is_stdin ? "standard input" : name, .line = 1, .next_line = 1
	};
	reader->file = is_stdin ? stdin : fopen(name, "re");
	return reader->file == NULL ? err_errno(err, errno, "--from %s", name) : 0;
}

static int refuse(const struct job_reader *reader, const char *what, struct err *err)
{
	return err_set(
		err, CAPQ_EINVAL, "%s:%" PRId64 ": %s", reader->name, reader->next_line, what);
}

static int next_byte(struct job_reader *reader)
{
	int c = getc_unlocked(reader->file);

	if (c == '\n')
		reader->next_line++;
	return c;
}

/* The next byte that is no blank. */
static int next_mark(struct job_reader *reader)
{
	int c;

	do {
		c = next_byte(reader);
	} while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
	return c;
}

#define EXPECTED_OBJECT "expected an object such as {\"attr\": \"hello\", \"caps\": \"8.6\"}"

/* `c` is no object: nothing else may follow. */
static int find_end(struct job_reader *reader, int c, struct err *err)
{
	reader->ended = true;
	if (reader->is_array && c == EOF)
		return refuse(reader, "the array has no end", err);
	if (reader->is_array && c == ']')
		c = next_mark(reader);
	if (c == EOF && ferror(reader->file))
		return err_errno(err, errno, "%s", reader->name);
	return c == EOF ? 0 : refuse(reader, EXPECTED_OBJECT, err);
}

/* Move behind the '{' of the next object: 1; to the end: 0. */
static int find_object(struct job_reader *reader, struct err *err)
{
	bool is_first = !reader->began;
	int c = next_mark(reader);

	reader->began = true;
	if (is_first && c == '[') {
		reader->is_array = true;
		c = next_mark(reader);
	} else if (!is_first && reader->is_array && c == ',') {
		c = next_mark(reader);
		return c == '{' ? 1 : refuse(reader, EXPECTED_OBJECT, err);
	} else if (!is_first && reader->is_array && c != ']' && c != EOF) {
		return refuse(reader, "expected ',' or ']' behind an object of the array", err);
	}
	return c == '{' ? 1 : find_end(reader, c, err);
}

/* Read the object whose '{' is behind us, minding braces inside strings. */
static int read_object(struct job_reader *reader, struct err *err)
{
	bool is_string = false, is_escaped = false;
	int depth = 1;

	str_clear(&reader->object);
	str_add_char(&reader->object, '{');
	while (depth > 0) {
		int c = next_byte(reader);

		if (c == EOF)
			return refuse(reader, "the object has no end", err);
		if (reader->object.len == JOB_TEXT_MAX)
			return refuse(reader, "the object is larger than 64 KiB", err);
		str_add_char(&reader->object, (char)c);
		if (is_escaped)
			is_escaped = false;
		else if (is_string && c == '\\')
			is_escaped = true;
		else if (c == '"')
			is_string = !is_string;
		else if (!is_string)
			depth += (c == '{') - (c == '}');
	}
	return 0;
}

int job_reader_next(struct job_reader *reader, struct json **out, struct err *err)
{
	int rv = reader->ended ? 0 : find_object(reader, err);

	if (rv <= 0)
		return rv;
	reader->line = reader->next_line;
	rv = read_object(reader, err);
	if (rv < 0)
		return rv;
	rv = json_parse(reader->object.text, reader->object.len, out, err);
	if (rv < 0)
		return err_wrap(err, "%s:%" PRId64, reader->name, reader->line);
	return 1;
}

void job_reader_close(struct job_reader *reader)
{
	if (reader->file != NULL && reader->file != stdin)
		(void)fclose(reader->file);
	str_free(&reader->object);
	*reader = (struct job_reader){ 0 };
}
