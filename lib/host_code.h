/* Comparing machine code of a host, instruction by instruction. Pure. One part of lib/host_same.h.
 *
 * Of two instructions all bits are equal but those that say how far away something is, and what is
 * there is the same. So a constant that happens to differ by as much as sections have moved is not
 * taken for an address. */
#ifndef CAPQ_LIB_HOST_CODE_H
#define CAPQ_LIB_HOST_CODE_H

#include "lib/host_pair.h"

/* One function for each machine. CAPQ_EINVAL says where code differs. */
int host_compare_x86_64(
	const struct host_pair *pair, const struct host_section *section, struct err *err);
int host_compare_arm64(
	const struct host_pair *pair, const struct host_section *section, struct err *err);

#endif
