/* What one key of capqd's configuration says about another; lib/settings.c's own. */
#ifndef CAPQ_LIB_SETTINGS_CHECK_H
#define CAPQ_LIB_SETTINGS_CHECK_H

#include "lib/settings.h"

/* CAPQ_EINVAL with a sentence that begins with the key to blame. */
int settings_check(const struct settings *settings, struct err *err);

#endif
