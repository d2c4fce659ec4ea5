#include "push/budget.h"

#include <assert.h>

bool budget_take(struct budget *budget, uint64_t bytes)
{
	if (budget->used > 0 && budget->used + bytes > budget->size)
		return false;
	budget->used += bytes;
	return true;
}

void budget_give(struct budget *budget, uint64_t bytes)
{
	assert(bytes <= budget->used);
	budget->used -= bytes;
}
