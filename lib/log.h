/* The log: one line a fact, its subject first, on standard error.
 *
 *   job 17: waiting -> pushing (torch-2.5.1 built in 1h12m on local)
 *
 * A level says who must act, not how loud it is. Under systemd (JOURNAL_STREAM is set) lines carry
 * the journal's "<N>" priority and no time; elsewhere a local time stands in front. */
#ifndef CAPQ_LIB_LOG_H
#define CAPQ_LIB_LOG_H

enum log_level {
	LOG_BROKEN,  /* Somebody must look now: capq cannot do its job. */
	LOG_UNUSUAL, /* Somebody may want to look tomorrow: it was handled, but is not ordinary. */
	LOG_FACT,    /* What happened; the story of the day. */
	LOG_DETAIL,  /* For whoever debugs capq itself. */
};

/* "broken", "unusual", "fact", "detail". */
const char *log_level_name(enum log_level level);

/* Lines above `level` are dropped from now on. The default is LOG_FACT. */
void log_set_level(enum log_level level);

/* Where lines go instead of standard error; NULL: back to it. Used by tests, which compare them. */
void log_set_sink(void (*sink)(void *owner, enum log_level level, const char *line), void *owner);

void log_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_unusual(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_fact(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
