/* Which paths of a closure are pushed, by what the user said of them. Pure.
 *
 * A path that is left out stands in nobody's way: what refers to it is pushed all the same. Whether
 * that does any good is the cache's to say (Cachix shows a path once all that it refers to is
 * there, or in a cache that it knows to be upstream), so the plan warns of it. */
#ifndef CAPQ_PUSH_CHOICE_H
#define CAPQ_PUSH_CHOICE_H

#include <stddef.h>
#include <stdint.h>

#include "push/trust.h"

struct path_info;

enum choice {
	CHOICE_TAKE,
	CHOICE_NAME,     /* Left out: its name matches a pattern. */
	CHOICE_SIZE,     /* Its NAR is larger than the user wants. */
	CHOICE_UPSTREAM, /* A key that the user calls upstream has signed it. */
	CHOICES,
};

struct choice_rules {
	const char **skip; /* Patterns of fnmatch(3) for the name behind the hash. Borrowed. */
	size_t n_skip, skip_capacity;
	uint64_t max_nar_size; /* Bytes; 0: any. */
	struct trust upstream;
};

/* The first rule that leaves out `info`, in the order of the enum. */
enum choice choice_of(const struct choice_rules *rules, const struct path_info *info);

/* "name", "size", "upstream"; "" for CHOICE_TAKE. For programs. */
const char *choice_name(enum choice choice);

/* Why `info` was left out, as a sentence. `size` bytes at most, with the NUL. */
void choice_describe(const struct choice_rules *rules, const struct path_info *info,
	enum choice choice, char *out, size_t size);

/* Free what the rules own. */
void choice_rules_free(struct choice_rules *rules);

#endif
