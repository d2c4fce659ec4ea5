/* Names of revisions, before anybody looks them up. Pure. */
#ifndef CAPQ_LIB_REV_NAME_H
#define CAPQ_LIB_REV_NAME_H

#include <stdbool.h>

#define REV_NAME_MAX 200 /* Bytes. */

/* True for a name that git can take for a branch, tag or hash and for nothing else (no option,
 * range, path or expression of its own): git-check-ref-format(1), as far as it matters here; at
 * most REV_NAME_MAX bytes of UTF-8. */
bool rev_name_is_valid(const char *name);

bool rev_is_full_hash(const char *name);  /* 40 hex digits in small letters. */
bool rev_is_short_hash(const char *name); /* 7 to 40 of them. */

#endif
