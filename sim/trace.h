/* A trace: which builds were wanted when, what each needs, and what it cost; and a history of what
 * was built before. The CSV forms are told in capq-sim(1).
 *
 * What a build costs (`work_ms`) stands apart from what is known of it when it arrives (`rows`), so
 * that whoever decides can be given the one without the other. */
#ifndef CAPQ_SIM_TRACE_H
#define CAPQ_SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define TRACE_ROWS_MAX 4000000
#define TRACE_NAMES_MAX (1u << 21) /* Different packages; the same for sets and branches. */
#define ROW_NONE UINT32_MAX

/* A build that is wanted. Texts are "" where the trace says nothing. */
struct row {
	const char *id;
	int64_t submit_ms; /* Never before that of the row in front. */
	const char *package;
	const char *set; /* Canonical text of its capability set; "": none. */
	unsigned n_caps; /* Capabilities in it. */
	const char *rev, *branch, *submitter;
	const char *system;     /* "": any builder will do. */
	const char *features;   /* That its builder must have, separated by blanks. */
	uint32_t package_index; /* Equal for equal packages, counted from 0. */
	uint32_t older;         /* The row before it with the same package, set and branch, which it
				   supersedes; ROW_NONE. */
	const uint32_t *needs;  /* Earlier rows, each once. */
	uint32_t n_needs;
};

struct past_build {
	const char *package, *set;
	int64_t work_ms;
	int64_t age_ms; /* It ended so long before the trace's time 0. */
};

struct trace {
	struct row *rows;
	int64_t *work_ms; /* Of each row, on a builder of speed 1. */
	size_t n;
	size_t n_packages;
	struct past_build *past; /* Oldest first. */
	size_t n_past;
	size_t n_ignored_needs; /* Names in `depends` that no earlier row has. */

	char *text, *past_text; /* Where the texts are. */
	char **sets;            /* Texts of sets. */
	size_t n_sets;
	uint32_t *needs;
};

/* Read a trace; with `history_path`, which may be NULL, a history too. CAPQ_EINVAL names file and
 * line. The caller ends with trace_finish(), also after a failure. */
int trace_read(struct trace *trace, const char *path, const char *history_path, struct err *err);

/* The same of texts in memory; `history` may be NULL. */
int trace_parse(struct trace *trace, const char *text, size_t len, const char *history,
	size_t history_len, struct err *err);
void trace_finish(struct trace *trace);

#endif
