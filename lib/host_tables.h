/* Comparing what the dynamic linker reads: symbols, relocations, and where all that is. Pure. One
 * part of lib/host_same.h. */
#ifndef CAPQ_LIB_HOST_TABLES_H
#define CAPQ_LIB_HOST_TABLES_H

#include "lib/host_pair.h"

/* Note what relocations set, and compare them: same places, kinds, symbols and values. Pointers of
 * wrappers are left to host_compare_wrappers(). */
int host_compare_relocations(struct host_pair *pair, uint64_t index, struct err *err);

/* The same for packed ones (RELR): they have no values but what stands in place. */
int host_compare_packed(struct host_pair *pair, uint64_t index, struct err *err);

/* Dynamic symbols: all but their values is equal, and these are the same places. */
int host_compare_symbols(const struct host_pair *pair, uint64_t index, struct err *err);

/* .dynamic: what stands for an address is the same place, the rest equal. */
int host_compare_dynamic(const struct host_pair *pair, uint64_t index, struct err *err);

/* Wrappers: the same containers, by number. */
int host_compare_wrappers(const struct host_pair *pair, uint64_t index, struct err *err);

#endif
