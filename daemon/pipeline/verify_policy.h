/* What follows from what the outputs of a build were seen to hold. */
#ifndef CAPQ_DAEMON_PIPELINE_VERIFY_POLICY_H
#define CAPQ_DAEMON_PIPELINE_VERIFY_POLICY_H

#include "lib/settings.h"

/* Whether the outputs of `package`, the package name of a derivation, are looked at, and what
 * follows. `is_wanted`: it is what a job asks for, not only what such a one needs. */
enum verify_policy verify_policy_of(
	const struct settings *settings, const char *package, bool is_wanted);

#endif
