/* An indexed heap of 32-bit numbers: the first in front, and each can be found, changed and taken
 * out, in O(log n). Pure.
 *
 * Each item stands in the heap with a key, so that most comparisons look at nothing else: with a
 * million items, memory is what takes time. Four children a node, which lie side by side. */
#ifndef CAPQ_SCHED_HEAP_H
#define CAPQ_SCHED_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_NOWHERE UINT32_MAX

struct heap_entry {
	int32_t key;
	uint32_t item;
};

struct heap {
	struct heap_entry *entries;
	size_t n, capacity;
	/* The smaller the key, the further in front. NULL: all are the same. */
	int32_t (*key)(const void *owner, uint32_t item);
	/* Of items with the same key, true when `a` belongs in front of `b`: a strict order. Keys
	 * and order are the same at every call unless heap_changed() is told. */
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

/* Make `to` a copy of `from` for another owner, whose items have the same places. */
void heap_copy(struct heap *to, const struct heap *from, void *owner);

/* Count the items for which `counts` is true, up to `max`, in O(max). It must be true of nothing
 * behind an item of which it is false. */
size_t heap_count(
	const struct heap *heap, bool (*counts)(void *arg, uint32_t item), void *arg, size_t max);

#endif
