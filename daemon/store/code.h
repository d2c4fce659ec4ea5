/* Which GPU code the outputs of builds were seen to hold. */
#ifndef CAPQ_DAEMON_STORE_CODE_H
#define CAPQ_DAEMON_STORE_CODE_H

#include "daemon/store/store.h"

enum verdict {
	VERDICT_HOLDS,   /* All that was asked for, in every unit of every file. */
	VERDICT_LACKS,   /* Not all of it, or a file is damaged. */
	VERDICT_NO_CODE, /* There is no GPU code. */
	VERDICT_UNKNOWN, /* It could not be looked at. */
};

/* "holds", "lacks", "no-code", "unknown" */
const char *verdict_name(enum verdict verdict);

/* The newest look at the outputs of a build. */
struct code_seen {
	enum verdict verdict;
	bool is_required; /* The policy was to require, not to report. */
	bool is_refused;  /* It goes no further. */
	char *asked;      /* Sets, separated by blanks. */
	char *reason;     /* Which file lacks what, or why nothing is known; NULL: all is well. */
	int64_t n_files;  /* That hold GPU code. */
	char *kinds;      /* Of the units of all files: JSON, lib/gpu_code_json.h. */
	int64_t at;       /* ms since 1970 */
};

void code_seen_finish(struct code_seen *seen);

/* Enter it; its strings are borrowed. Files of an earlier look are forgotten. */
void store_code_set(struct store *store, int64_t build_id, const struct code_seen *seen);

/* False: nobody has looked. The caller ends with code_seen_finish(). */
bool store_code_get(struct store *store, int64_t build_id, struct code_seen *out);

/* Forget that anybody has looked. */
void store_code_forget(struct store *store, int64_t build_id);

/* A file that holds GPU code, or is damaged; strings are borrowed. */
struct code_file {
	const char *path;
	const char *kinds; /* JSON, "[]" when it is damaged. */
	const char *lacks; /* Of what was asked for; NULL: nothing. */
	const char *error; /* NULL: it is not damaged. */
};

void store_code_file_add(struct store *store, int64_t build_id, const struct code_file *file);

/* Call `each` for the files, in the order of their paths. */
void store_code_files_each(struct store *store, int64_t build_id,
	void (*each)(void *owner, const struct code_file *file), void *owner);

/* Call `each` for the outputs, a JSON object, of each build that is refused. */
void store_code_refused_each(
	struct store *store, void (*each)(void *owner, const char *outputs), void *owner);

#endif
