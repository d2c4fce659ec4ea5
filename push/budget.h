/* How much memory all uploads together may take for parts and compressors. Pure. */
#ifndef CAPQ_PUSH_BUDGET_H
#define CAPQ_PUSH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	uint64_t size; /* Bytes. */
	uint64_t used;
};

/* Take `bytes`. False: not now. Whoever comes first gets more than there is, so that a budget which
 * is too small makes a push slow and not stuck. */
bool budget_take(struct budget *budget, uint64_t bytes);

void budget_give(struct budget *budget, uint64_t bytes);

#endif
