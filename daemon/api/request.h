/* One request, as a method sees it: what was asked. MHD is not to be seen from here. */
#ifndef CAPQ_DAEMON_API_REQUEST_H
#define CAPQ_DAEMON_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/pipeline/pipeline.h"
#include "lib/err.h"
#include "lib/settings.h"

struct request;

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
