/* Machine code of a GPU by itself: a cubin, an ELF file of machine 190. Pure. */
#ifndef CAPQ_LIB_CUBIN_H
#define CAPQ_LIB_CUBIN_H

#include <stdbool.h>

#include "lib/bytes.h"
#include "lib/elf.h"

bool cubin_is(const struct elf *elf);

/* It has a section .text.NAME that is not empty; true for what cannot be read. */
bool cubin_has_code(struct bytes file);

/* For which architecture: 90 and 'a'. In a container its entry says so, and better. False: the
 * number is missing. */
bool cubin_arch(const struct elf *elf, unsigned *arch, char *suffix);

#endif
