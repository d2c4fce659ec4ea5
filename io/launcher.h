/* Where capq-launch is, which io/child starts programs through. */
#ifndef CAPQ_IO_LAUNCHER_H
#define CAPQ_IO_LAUNCHER_H

#include "lib/err.h"

/* The full path of the launcher that belongs to the running program: beside it (in a build tree),
 * or in ../libexec/capq (installed). CAPQ_ENOTFOUND: it is in neither place. The caller frees
 * `*out`. */
int launcher_find(char **out, struct err *err);

#endif
