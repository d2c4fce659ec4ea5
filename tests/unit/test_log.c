/* Lines of the log: levels, cleanliness, length, and what really is written. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"

static void note_line(void *owner, enum log_level level, const char *line)
{
	str_addf(owner, "[%s] %s\n", log_level_name(level), line);
}

static void log_one_of_each(void)
{
	log_broken("the disk is gone");
	log_unusual("job %d: tried again", 17);
	log_fact("ready");
	log_detail("turn %d", 1);
}

static void a_level_drops_what_is_above_it(void **state)
{
	static const struct {
		enum log_level level;
		const char *lines;
	} cases[] = {
		{ LOG_BROKEN, "[broken] the disk is gone\n" },
		{ LOG_FACT, "[broken] the disk is gone\n[unusual] job 17: tried again\n"
			    "[fact] ready\n" },
		{ LOG_DETAIL, "[broken] the disk is gone\n[unusual] job 17: tried again\n"
			      "[fact] ready\n[detail] turn 1\n" },
	};
	cleanup_str struct str lines = { 0 };

	(void)state;
	log_set_sink(note_line, &lines);
	log_one_of_each(); /* The default. */
	assert_string_equal(str_text(&lines), cases[1].lines);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		str_clear(&lines);
		log_set_level(cases[i].level);
		log_one_of_each();
		assert_string_equal(str_text(&lines), cases[i].lines);
	}
	log_set_level(LOG_FACT);
	log_set_sink(NULL, NULL);
}

/* Other programs' words can neither colour the terminal nor forge a second line. */
static void a_line_is_one_line_of_text(void **state)
{
	cleanup_str struct str lines = { 0 };

	(void)state;
	log_set_sink(note_line, &lines);
	log_fact("nix said: \x1b[31m%s\xff", "bad\n10:00:00 broken: not ours");
	assert_string_equal(
		str_text(&lines), "[fact] nix said: bad 10:00:00 broken: not ours\xef\xbf\xbd\n");
	log_set_sink(NULL, NULL);
}

/* What log_fact(format, text) writes to standard error. */
static char *written(void (*log)(const char *, ...), const char *text)
{
	char *bytes = xcalloc(1, 65536);
	int ends[2], keep = dup(STDERR_FILENO);
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log("%s", text);
	assert_true(dup2(keep, STDERR_FILENO) >= 0);
	(void)close(keep);
	(void)close(ends[1]);
	len = read(ends[0], bytes, 65535);
	assert_true(len > 0);
	assert_int_equal(strlen(bytes), len); /* No byte of it is a NUL. */
	(void)close(ends[0]);
	return bytes;
}

static void the_journal_gets_priorities(void **state)
{
	static const struct {
		void (*log)(const char *, ...);
		const char *line;
	} cases[] = {
		{ log_broken, "<3>x\n" },
		{ log_unusual, "<4>x\n" },
		{ log_fact, "<6>x\n" },
		{ log_detail, "<7>x\n" },
	};

	(void)state;
	log_set_level(LOG_DETAIL);
	setenv("JOURNAL_STREAM", "8:1", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *line = written(cases[i].log, "x");

		assert_string_equal(line, cases[i].line);
	}
	unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_FACT);
}

static void a_terminal_gets_the_time(void **state)
{
	cleanup_free char *fact = NULL, *broken = NULL, *unusual = NULL;
	int h, m, s, end = 0;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	fact = written(log_fact, "ready");
	assert_int_equal(sscanf(fact, "%2d:%2d:%2d %n", &h, &m, &s, &end), 3);
	assert_int_equal(end, 9);
	assert_string_equal(fact + end, "ready\n");
	broken = written(log_broken, "no");
	assert_string_equal(broken + 9, "broken: no\n");
	unusual = written(log_unusual, "well");
	assert_string_equal(unusual + 9, "unusual: well\n");
}

/* 4096 bytes of a text are kept, and a replacement takes three times the room of what it replaces:
 * each line ends all the same. */
static void long_lines_are_cut(void **state)
{
	static const struct {
		char byte;
		size_t len, kept;
	} cases[] = {
		{ 'x', 4095, 4095 },
		{ 'x', 4096, 4096 },
		{ 'x', 4097, 4096 },
		{ '\xff', 5000, 3 * 4096 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xmalloc(cases[i].len + 1), *line;

		memset(text, cases[i].byte, cases[i].len);
		text[cases[i].len] = '\0';
		line = written(log_fact, text);
		assert_int_equal(strlen(line), 9 + cases[i].kept + 1);
		assert_int_equal(line[strlen(line) - 1], '\n');
		free(line);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_drops_what_is_above_it),
		cmocka_unit_test(a_line_is_one_line_of_text),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(a_terminal_gets_the_time),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
