/* Two libraries or programs of a host, section beside section, to tell whether they are the same
 * program. Pure.
 *
 * Device code of another size moves what the linker puts behind it. So numbers differ that stand
 * for places, and they are the same when both places have the same offset in the same section.
 * Everything else must be equal, byte for byte. Which numbers stand for places is never guessed:
 * tables say it (relocations, unwinding), or instructions do (lib/host_code.h). */
#ifndef CAPQ_LIB_HOST_PAIR_H
#define CAPQ_LIB_HOST_PAIR_H

#include "lib/gpu_host.h"
#include "lib/store_refs.h"

struct host_place; /* A section in both. */

struct host_pair {
	const struct gpu_host *a, *b;
	struct store_refs refs;
	struct host_place *places; /* What is loaded, but for device code, by its address in a. */
	size_t n_places, places_capacity;
	bool is_moved;   /* Some section has another address. */
	uint64_t *slots; /* Addresses in a of 8 bytes that the dynamic linker sets, sorted. */
	size_t n_slots, slots_capacity;
};

/* Put two files side by side; both are borrowed. CAPQ_EINVAL says in what their headers and tables
 * of sections differ. The caller ends with host_pair_finish(), also after a failure. */
int host_pair_init(struct host_pair *pair, const struct gpu_host *a, const struct gpu_host *b,
	struct store_refs refs, struct err *err);
void host_pair_finish(struct host_pair *pair);

/* Note that the dynamic linker sets the 8 bytes at `address` in a; sort them when all are noted. */
void host_pair_add_slot(struct host_pair *pair, uint64_t address);
void host_pair_sort_slots(struct host_pair *pair);

/* Address `a` in the first is what `b` is in the second. The end of a section belongs to it. */
bool host_pair_same(const struct host_pair *pair, uint64_t a, uint64_t b);

/* Of the `size` bytes from `a` on in the first, some may be what is within those from `b` on in the
 * second. */
bool host_pair_same_page(const struct host_pair *pair, uint64_t a, uint64_t b, uint64_t size);

/* Something is loaded at `a`. */
bool host_pair_is_place(const struct host_pair *pair, uint64_t a);

/* A section in both files. */
struct host_section {
	const char *name;
	uint64_t address_a, address_b;
	struct bytes a, b; /* Of the same size. */
};

struct host_section host_pair_section(const struct host_pair *pair, uint64_t index);

/* All bytes are equal, but for hashes and what the dynamic linker sets. CAPQ_EINVAL otherwise. */
int host_pair_compare_bytes(
	const struct host_pair *pair, const struct host_section *section, struct err *err);

/* `size` bytes at `at` are equal but for hashes. */
bool host_pair_equal(const struct host_pair *pair, const struct host_section *section, uint64_t at,
	uint64_t size);

/* Say that the bytes from `at` on differ, or mean different places. Returns CAPQ_EINVAL. */
int host_pair_refuse(const struct host_section *section, uint64_t at, struct err *err);

#endif
