/* What every fuzz target needs. A target calls what it tests with `data`, and CHECKs what must hold
 * whatever that is: nothing is read beyond its end, what was read can be written and read again. */
#ifndef CAPQ_TESTS_FUZZ_H
#define CAPQ_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The input in memory of just its size, so that the sanitizers see a look beyond it. The caller
 * frees. */
static inline char *fuzz_bytes(const uint8_t *data, size_t size)
{
	char *copy = xmalloc(size);

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* The input, up to its first NUL, as a text. The caller frees. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	return size == 0 ? xstrdup("") : xstrndup((const char *)data, size);
}

#endif
