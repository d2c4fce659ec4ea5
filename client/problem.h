/* What an answer that is none of 2xx means to whoever sits before the terminal. Pure. */
#ifndef CAPQ_CLIENT_PROBLEM_H
#define CAPQ_CLIENT_PROBLEM_H

#include "lib/err.h"
#include "lib/json.h"

/* Set `err` from the status of an answer and the problem object in it (NULL when it held none, as
 * with a proxy's own page). `server` is the name to blame then. Returns the code; see client/api.h
 * for which status is which. */
int problem_to_err(long status, const struct json *problem, const char *server, struct err *err);

#endif
