/* One request, as a method sees it. MHD is not to be seen from here. */
#ifndef CAPQ_DAEMON_API_REQUEST_H
#define CAPQ_DAEMON_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/pipeline/pipeline.h"
#include "lib/json.h"
#include "lib/settings.h"

struct request;

/* That a method has answered, or will. Only the functions below make one, so a method that forgets
 * to answer does not compile. */
struct answered;

/* Answer with status 200 (or another) and what `out` holds, which is emptied. */
const struct answered *answer_json(struct request *r, int status, struct json_out *out);

/* The same with a finished text of JSON, which is copied. */
const struct answered *answer_text(struct request *r, int status, const char *json, size_t len);

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
};
const struct answered *answer_stream(
	struct request *r, const char *type, enum stream_kind kind, const struct stream *stream);

/* Add a header to the answer, or change the status of a stream; before it is given. */
void answer_header(struct request *r, const char *name, const char *value);
void answer_status(struct request *r, int status);

/* ---- what was asked ---- */

struct pipeline *request_pipeline(const struct request *r);
struct server *request_server(const struct request *r);
const char *request_who(const struct request *r); /* "root", "token ci". Borrowed. */
int64_t request_id(const struct request *r);      /* The {id} of the path; 0: it has none. */
const char *request_query(const struct request *r, const char *name);  /* NULL: not given. */
const char *request_header(const struct request *r, const char *name); /* NULL: not given. */

/* What a method keeps between the parts of a body; NULL at first. */
void *request_state(const struct request *r);
void request_set_state(struct request *r, void *state);

/* The body of a request that is small and was collected; "" when there is none. */
const char *request_body(const struct request *r, size_t *out_len);

/* A query parameter as a number within [min, max]; `missing` when it is not given. False: it is
 * none such, and `err` says so. */
bool request_query_int(const struct request *r, const char *name, int64_t min, int64_t max,
	int64_t missing, int64_t *out, struct err *err);

#endif
