/* Comparing what C++ and debuggers unwind stacks by: .eh_frame, its index, and the tables of types
 * to catch (LSB Core, "Exception Frames"; the Itanium C++ ABI). Pure. One part of
 * lib/host_same.h. */
#ifndef CAPQ_LIB_HOST_UNWIND_H
#define CAPQ_LIB_HOST_UNWIND_H

#include "lib/host_pair.h"

/* CAPQ_EINVAL says where they differ. What is not encoded as compilers for x86-64 and AArch64 do,
 * as distances of 4 bytes, must be equal. */
int host_compare_eh_frame(
	const struct host_pair *pair, const struct host_section *section, struct err *err);
int host_compare_eh_frame_hdr(
	const struct host_pair *pair, const struct host_section *section, struct err *err);
int host_compare_except_table(
	const struct host_pair *pair, const struct host_section *section, struct err *err);

#endif
