/* What a submit may say where a capability set belongs. Pure.
 *
 *   8.0,8.6+PTX     a set (lib/capability.h)
 *   default         the revision's own default set, with PTX as it has it
 *   each            a thin job for each capability of that default set
 *   each:8.0,8.6    a thin job for each of these
 *   each+PTX, each:8.0,8.6+PTX    the same, with PTX in every one
 */
#ifndef CAPQ_LIB_CAPS_ASK_H
#define CAPQ_LIB_CAPS_ASK_H

#include "lib/capability.h"

enum caps_kind {
	CAPS_SET,
	CAPS_DEFAULT,
	CAPS_EACH, /* `set` holds them; n 0: those of the default set. */
};

struct caps_ask {
	enum caps_kind kind;
	struct capability_set set; /* With CAPS_EACH, `ptx` is meant for each of them. */
};

#define CAPS_ASK_TEXT_MAX (CAPABILITY_SET_TEXT_MAX + sizeof "each:")

/* Read one of the forms above. CAPQ_EINVAL, also for what can be built nowhere
 * (cuda_check_anywhere()); CAPQ_ETOOBIG. */
int caps_ask_parse(const char *text, struct caps_ask *out, struct err *err);

/* The canonical text. */
void caps_ask_format(const struct caps_ask *ask, char out[CAPS_ASK_TEXT_MAX]);

/* The `i`th thin set that CAPS_EACH stands for. */
void caps_ask_one(const struct caps_ask *ask, size_t i, struct capability_set *out);

/* "default" or "each", as a job keeps it; NULL for CAPS_SET. */
const char *caps_kind_name(enum caps_kind kind);

#endif
