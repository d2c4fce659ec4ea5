/* What a method answers: at once, later, or as a stream. MHD is not to be seen from here. */
#ifndef CAPQ_DAEMON_API_ANSWER_H
#define CAPQ_DAEMON_API_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/json.h"

struct request;

/* That a method has answered, or will. Only the functions below make one, so a method that forgets
 * to answer does not compile. */
struct answered;

/* Answer with status 200 (or another) and what `out` holds, which is emptied. */
const struct answered *answer_json(struct request *r, int status, struct json_out *out);

/* The same with a finished text of JSON, which is emptied. */
const struct answered *answer_text(struct request *r, int status, struct str *json);

/* Answer with a problem: what went wrong, why, what to do. `detail` and `hint` may be NULL. */
const struct answered *answer_problem(
	struct request *r, int status, const char *title, const char *detail, const char *hint);

/* The problem that an error of ours is: its code becomes the status. */
const struct answered *answer_err(struct request *r, const struct err *err);

/* The same with the number of the job, among many, that does not fit. */
const struct answered *answer_problem_at(struct request *r, int status, const char *title,
	const char *detail, const char *hint, int64_t index);
int status_of_err(int code);
const char *hint_of_err(int code); /* NULL: none. */

/* The answer comes later: exactly one of those above, in a later callback. `cancel` runs instead
 * when the client is gone before: then `owner` must forget the request. */
const struct answered *answer_later(struct request *r, void (*cancel)(void *owner), void *owner);

/* Answer with a file's bytes; the descriptor is taken. */
const struct answered *answer_file(struct request *r, const char *type, int fd, int64_t size);

/* A stream: `read` fills at most `size` bytes and returns how many; 0: nothing for now, it is asked
 * again when something happens of the stream's kind, and once a second; or, with `*out_end` set,
 * the end. `closed` runs once, whatever ended it, and frees `owner`. */
enum stream_kind {
	STREAM_EVENTS, /* Events were stored. */
	STREAM_LOG,    /* A log grew. */
};
struct stream {
	size_t (*read)(void *owner, char *out, size_t size, bool *out_end);
	void (*closed)(void *owner);
	void *owner;
	bool must_be_whole; /* When capqd stops before the end, it breaks off. */
};
const struct answered *answer_stream(
	struct request *r, const char *type, enum stream_kind kind, const struct stream *stream);

/* Add a header to the answer, or change the status of a stream; before it is given. */
void answer_header(struct request *r, const char *name, const char *value);
void answer_status(struct request *r, int status);

#endif
