/* What capqd's cache has for some GPUs: asking, and saying which variant to use, or what to do when
 * there is none. */
#ifndef CAPQ_CLIENT_OFFER_H
#define CAPQ_CLIENT_OFFER_H

#include "client/advice.h"
#include "client/client.h"

/* Ask for the packages `attrs` (the command's operands) for the GPUs of `question`; print the
 * answer. The client's exit code says whether there is a variant that may be used. */
int offer(struct client *client, const struct question *question, struct err *err);

#endif
