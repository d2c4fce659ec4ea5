/* An indexed binary heap of 32-bit numbers: the smallest in front, and each can be found, changed
 * and taken out, in O(log n). Pure. */
#ifndef CAPQ_SCHED_HEAP_H
#define CAPQ_SCHED_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_NOWHERE UINT32_MAX

struct heap {
	uint32_t *items;
	size_t n, capacity;
	/* True when `a` belongs in front of `b`: a strict order, the same at every call unless
	 * heap_changed() is told. */
	bool (*before)(const void *owner, uint32_t a, uint32_t b);
	/* Called whenever `item` gets another place in the heap; HEAP_NOWHERE: it left. */
	void (*moved)(void *owner, uint32_t item, uint32_t place);
	void *owner;
};

void heap_finish(struct heap *heap);
void heap_push(struct heap *heap, uint32_t item);
uint32_t heap_top(const struct heap *heap); /* HEAP_NOWHERE when it is empty. */
void heap_remove(struct heap *heap, uint32_t place);
void heap_changed(struct heap *heap, uint32_t place); /* The item there sorts differently now. */

/* How many items belong in front of `item`, which may be in another heap of the same order; counted
 * up to `max`, in O(max). `*latest` becomes the last of these by the order, unless it was a later
 * one already; it begins as HEAP_NOWHERE. */
size_t heap_count_before(const struct heap *heap, uint32_t item, size_t max, uint32_t *latest);

#endif
