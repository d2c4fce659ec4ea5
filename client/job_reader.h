/* Jobs from a file: one JSON object a line, or an array of objects, read one by one so that a file
 * of any size takes the memory of one. */
#ifndef CAPQ_CLIENT_JOB_READER_H
#define CAPQ_CLIENT_JOB_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"
#include "lib/json.h"
#include "lib/str.h"

#define JOB_TEXT_MAX (64u << 10) /* Bytes of one object. */

struct job_reader {
	FILE *file;
	const char *name;  /* For errors, which begin with "NAME:LINE: ". */
	int64_t line;      /* Where the newest object began. */
	int64_t next_line; /* Where the file is. */
	bool began, is_array, ended;
	struct str object; /* Text of the newest. */
};

/* `name` is borrowed. "-" is standard input. */
int job_reader_open(struct job_reader *reader, const char *name, struct err *err);

/* 1 with the next object, which the caller frees; 0 at the end; CAPQ_EINVAL for what is no JSON. */
int job_reader_next(struct job_reader *reader, struct json **out, struct err *err);

void job_reader_close(struct job_reader *reader);

#endif
