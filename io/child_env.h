/* Which of our environment a child gets; io/child's own. */
#ifndef CAPQ_IO_CHILD_ENV_H
#define CAPQ_IO_CHILD_ENV_H

#include <stdbool.h>

/* Our environment without what systemd tells us alone and, unless `with_secrets`, without the
 * variables that can hold or lead to secrets; with "NAME=VALUE" of `add` (NULL behind the last, or
 * NULL) added or in place of ours. The caller frees the array; the strings are borrowed. */
char **child_env_make(const char *const *add, bool with_secrets);

#endif
