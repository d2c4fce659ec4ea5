/* A job as the API answers it: the record of lib/job.h, and what only living jobs have. Pure. */
#ifndef CAPQ_CLIENT_RECORD_H
#define CAPQ_CLIENT_RECORD_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/str.h"

/* How far a build is that runs. Strings are NULL where nothing is known. */
struct progress {
	int64_t build_id; /* 0: nothing runs. */
	char *name;       /* Of the build. */
	char *phase;
	char *derivation;       /* Which is being built: the build's own or a ride-along. */
	char *last_line;        /* Of the log. */
	int64_t done, expected; /* Derivations; expected 0: not known. */
	int64_t ms;             /* Since the attempt began. */
	int64_t pushed_bytes;   /* -1: not known. */
};

struct record {
	struct job job;
	char *waits_for;          /* In a few words; NULL: for nothing. */
	struct progress progress; /* Of the build that runs for it. */
	struct eta eta;           /* Of its own build. */
	int64_t seen_at_ms;       /* Wall clock: when this was so. */
	char *json;               /* As answered. */
};

/* Read a job or a build that the API answered. CAPQ_EFAILED: it is none that this version knows.
 * The caller ends with record_finish(), build_finish(). */
int record_from_json(const struct json *json, int64_t now_ms, struct record *out, struct err *err);
int build_from_answer(const struct json *json, struct build *out, struct err *err);
void record_finish(struct record *record);

/* Read a Progress object; all zero for null. */
void progress_from_json(const struct json *json, struct progress *out);
void progress_finish(struct progress *progress);

/* Append "python3Packages.torch @ 8.6 # 1a2b3c4", and the flavour in brackets when it is not the
 * default: the job's name for people. Without a flavour it can be pasted where a job is named. */
void job_add_label(struct str *out, const struct job *job);

/* Append a revision as people know it: 7 digits, "sha256:" kept. */
void rev_add_short(struct str *out, const char *rev);

/* What it is doing in one word: the phase of the build that runs for it; NULL: nothing runs. */
const char *record_phase(const struct record *record);

/* How long the build that runs for it has taken; when none runs, how long ago it was submitted;
 * when it is final, how long it took in all. */
int64_t record_elapsed_ms(const struct record *record, int64_t now_ms);

/* Append "starts about 14:20, done about 16:05 (p90 18:30)", as far as it is known and in the
 * future; nothing when it is not. */
void eta_add(struct str *out, const struct eta *eta, int64_t now_ms);

/* Append what is worth knowing beside all that: what it waits for, or what it is building, or why
 * it is as it is. Nothing: nothing is known. */
void record_add_note(struct str *out, const struct record *record);

#endif
