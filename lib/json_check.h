/* Is this text JSON? The strict half of lib/json, apart from cJSON. Pure. */
#ifndef CAPQ_LIB_JSON_CHECK_H
#define CAPQ_LIB_JSON_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* Check the whole of `text` by the rules of lib/json.h. `on_number` is called for every number in
 * the order of the text: `n` counts them from 0, `digits` holds `len` bytes. Returns 0, CAPQ_EINVAL
 * or CAPQ_ETOOBIG. */
int json_check(const char *text, size_t len,
	void (*on_number)(void *owner, size_t n, const char *digits, size_t len), void *owner,
	struct err *err);

#endif
