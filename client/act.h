/* What `cancel`, `retry`, `hold`, `release` and `bump` have in common. */
#ifndef CAPQ_CLIENT_ACT_H
#define CAPQ_CLIENT_ACT_H

#include "client/client.h"

/* Find all jobs that the command line names, then do `verb` to each and print how it is now. One
 * that cannot be found: nothing is done to any. One that refuses is complained of, and the others
 * are done all the same; the exit code is that of the first refusal. */
int act_on_jobs(struct client *client, const char *verb, struct err *err);

#endif
