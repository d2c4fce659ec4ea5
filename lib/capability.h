/* CUDA compute capabilities and sets of them. Pure.
 *
 * A capability is written as nixpkgs writes it, `cudaCapabilities = [ "8.6" "9.0a" ]`: major, dot,
 * one digit, and `a` (that chip alone) or `f` (its family) behind it for some. A set is ordered and
 * without duplicates; "+PTX" behind it asks for PTX of the newest one as well, nixpkgs'
 * `cudaForwardCompat = true`:
 *
 *   8.6        8.0,8.6,9.0        8.6+PTX
 */
#ifndef CAPQ_LIB_CAPABILITY_H
#define CAPQ_LIB_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct capability {
	unsigned char major; /* 1..99 */
	unsigned char minor; /* 0..9 */
	char suffix;         /* '\0', 'a' or 'f' */
};

#define CAPABILITIES_MAX 32 /* nixpkgs knows 23 at the time of writing. */
#define CAPABILITY_TEXT_MAX 8
#define CAPABILITY_SET_TEXT_MAX (CAPABILITIES_MAX * CAPABILITY_TEXT_MAX + 8)

struct capability_set {
	size_t n;                                  /* 1..CAPABILITIES_MAX */
	struct capability items[CAPABILITIES_MAX]; /* Ascending. */
	bool ptx;
};

/* Read one capability. CAPQ_EINVAL for anything else; for what other tools and people write there
 * (86, sm_86, 86-real, 8.6+PTX, 8.0;8.6, Ampere, cudaEnableForwardCompat) the text says what was
 * meant. Whether anything can build for it is for lib/cuda.h to say. */
int capability_parse(const char *text, struct capability *out, struct err *err);

/* Read a set in the form above, in any order, duplicates allowed; blanks around commas are taken.
 * CAPQ_EINVAL names the element that is wrong, CAPQ_ETOOBIG says that there are too many. */
int capability_set_parse(const char *text, struct capability_set *out, struct err *err);

/* Put `item` where it belongs; one that is in the set already changes nothing. CAPQ_ETOOBIG when
 * the set is full. */
int capability_set_add(struct capability_set *set, struct capability item, struct err *err);

/* `item` itself is in it, with its suffix. */
bool capability_set_has(const struct capability_set *set, struct capability item);

void capability_format(struct capability item, char out[CAPABILITY_TEXT_MAX]);

/* The canonical text: two sets are equal when their texts are. */
void capability_set_format(const struct capability_set *set, char out[CAPABILITY_SET_TEXT_MAX]);

/* The same on the heap; the caller frees. */
char *capability_set_text(const struct capability_set *set);

/* Below, at or above 0 as `a` sorts before, with or behind `b`: by number, then "", "a", "f". */
int capability_compare(struct capability a, struct capability b);

#endif
