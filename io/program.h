/* Where the other programs of capq are. */
#ifndef CAPQ_IO_PROGRAM_H
#define CAPQ_IO_PROGRAM_H

#include "lib/err.h"

/* The full path of `name` ("capq-push", or "capq-launch", which io/child starts programs through)
 * that belongs to the running program: beside it, as in a build tree, or in ../bin or
 * ../libexec/capq, as installed. CAPQ_ENOTFOUND: it is in none of these places. The caller frees
 * `*out`. */
int program_find(const char *name, char **out, struct err *err);

#endif
