/* Where x86-64 instructions end, and which of their bytes stand for an address. Pure.
 *
 * Not a disassembler: it knows lengths, after the opcode maps of the Intel SDM (volume 2, appendix
 * A), and VEX and EVEX prefixes. Old 3DNow!, XOP and APX are not read. */
#ifndef CAPQ_LIB_X86_64_H
#define CAPQ_LIB_X86_64_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"

struct x86_64_instruction {
	unsigned length; /* 1 to 15 bytes. */

	/* Where, from its beginning, 4 bytes are a signed distance from the end of the instruction
	 * to what it means: a branch's target or data (RIP-relative). 0: nowhere. */
	unsigned distance_at;
};

/* The instruction at `at`. False: there is none, or it is cut off. */
bool x86_64_read(struct bytes code, uint64_t at, struct x86_64_instruction *out);

#endif
