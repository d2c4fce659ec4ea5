/* Names of revisions, before anybody looks them up. Pure. */
#ifndef CAPQ_LIB_REV_NAME_H
#define CAPQ_LIB_REV_NAME_H

#include <stdbool.h>

/* True for a name that git can take for a branch or tag and for nothing else (no option, range,
 * path or expression of its own): git-check-ref-format(1), as far as it matters here. */
bool rev_name_is_valid(const char *name);

bool rev_is_full_hash(const char *name);  /* 40 hex digits in small letters. */
bool rev_is_short_hash(const char *name); /* 7 to 40 of them. */

#endif
