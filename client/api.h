/* The API of capqd (docs/openapi.yaml), asked one request at a time.
 *
 * What an answer's status means is decided once, in problem.c: 400 and 422 CAPQ_EINVAL, 401 and 403
 * CAPQ_EDENIED, 404 and 416 CAPQ_ENOTFOUND, 409 CAPQ_EEXIST, 413 CAPQ_ETOOBIG; 429, 5xx and a
 * daemon that cannot be reached or went silent CAPQ_EBUSY. The text says what to do. */
#ifndef CAPQ_CLIENT_API_H
#define CAPQ_CLIENT_API_H

#include "client/server.h"
#include "client/stream.h"
#include "lib/err.h"
#include "lib/json.h"

struct api; /* One server, and the connection to it that is kept for the next request. */

struct api *api_create(const struct server *server); /* Borrows the server. */
void api_destroy(struct api *api);

const struct server *api_server(const struct api *api);

/* The problem object that explained the last failure, as the server sent it; NULL when it had
 * another cause. Borrowed until the next request. */
const struct json *api_problem(const struct api *api);

/* Ask, and read the whole answer, which must be JSON. The caller frees `*out`. */
int api_call(
	struct api *api, const struct stream_request *request, struct json **out, struct err *err);

/* The usual two: a GET, and a POST without body, of a formatted path. */
int api_get(struct api *api, struct json **out, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int api_post(struct api *api, struct json **out, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Ask, and wait until it is known that the answer is a good one, to be read as it comes, over a
 * connection of its own. The request is borrowed until the stream is closed. */
int api_open(struct api *api, const struct stream_request *request, struct stream **out,
	struct err *err);

#endif
