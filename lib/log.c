#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/str.h"

#define LINE_MAX_BYTES 4096 /* A longer line is cut: a log that is read must not be flooded. */

static enum log_level max_level = LOG_FACT;
static void (*sink)(void *owner, enum log_level level, const char *line);
static void *sink_owner;

static const struct {
	const char *name;
	const char *journal; /* sd-daemon(3): err, warning, info, debug. */
} levels[] = {
	[LOG_BROKEN] = { "broken", "<3>" },
	[LOG_UNUSUAL] = { "unusual", "<4>" },
	[LOG_FACT] = { "fact", "<6>" },
	[LOG_DETAIL] = { "detail", "<7>" },
};

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_sink(void (*new_sink)(void *, enum log_level, const char *), void *owner)
{
	sink = new_sink;
	sink_owner = owner;
}

static void add_time(struct str *out)
{
	time_t now = time(NULL);
	char when[16];
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL && strftime(when, sizeof when, "%H:%M:%S ", &tm) > 0)
		str_add(out, when);
}

/* One write(2) a line, so that lines of several processes do not mix. */
static void write_line(enum log_level level, const char *text)
{
	cleanup_str struct str line = { 0 };

	/* Nobody changes the environment once there are threads.
	 * NOLINTNEXTLINE(concurrency-mt-unsafe) */
	if (getenv("JOURNAL_STREAM") != NULL) {
		str_add(&line, levels[level].journal);
	} else {
		add_time(&line);
		if (level <= LOG_UNUSUAL)
			str_addf(&line, "%s: ", levels[level].name);
	}
	str_addf(&line, "%s\n", text);
	if (write(STDERR_FILENO, line.text, line.len) < 0)
		return; /* Nowhere left to say so. */
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	cleanup_str struct str clean = { 0 };
	char text[LINE_MAX_BYTES + 1] = "";

	if (level > max_level)
		return;
	(void)vsnprintf(text, sizeof text, format, args);
	/* Other programs' words end up here: no escapes, and no line that looks like ours. */
	str_add_printable(&clean, text, strlen(text));
	for (char *p = clean.text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	if (sink != NULL)
		sink(sink_owner, level, str_text(&clean));
	else
		write_line(level, str_text(&clean));
}

#define DEFINE_LOG(function, level)                                                                \
	void function(const char *format, ...)                                                     \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		log_line(level, format, args);                                                     \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_broken, LOG_BROKEN)
DEFINE_LOG(log_unusual, LOG_UNUSUAL)
DEFINE_LOG(log_fact, LOG_FACT)
DEFINE_LOG(log_detail, LOG_DETAIL)
