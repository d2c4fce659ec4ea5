#include "sched/heap.h"

#include <stdlib.h>

#include "lib/mem.h"

static void put(struct heap *heap, size_t place, uint32_t item)
{
	heap->items[place] = item;
	heap->moved(heap->owner, item, (uint32_t)place);
}

static size_t rise(struct heap *heap, size_t place, uint32_t item)
{
	while (place > 0) {
		size_t parent = (place - 1) / 2;

		if (!heap->before(heap->owner, item, heap->items[parent]))
			break;
		put(heap, place, heap->items[parent]);
		place = parent;
	}
	return place;
}

static size_t sink(struct heap *heap, size_t place, uint32_t item)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= heap->n)
			return place;
		if (child + 1 < heap->n &&
			heap->before(heap->owner, heap->items[child + 1], heap->items[child]))
			child++;
		if (!heap->before(heap->owner, heap->items[child], item))
			return place;
		put(heap, place, heap->items[child]);
		place = child;
	}
}

void heap_finish(struct heap *heap)
{
	free(heap->items);
	heap->items = NULL;
	heap->n = heap->capacity = 0;
}

void heap_push(struct heap *heap, uint32_t item)
{
	array_reserve(&heap->items, &heap->capacity, heap->n + 1, sizeof *heap->items);
	heap->n++;
	put(heap, rise(heap, heap->n - 1, item), item);
}

uint32_t heap_top(const struct heap *heap)
{
	return heap->n == 0 ? HEAP_NOWHERE : heap->items[0];
}

uint32_t heap_second(const struct heap *heap)
{
	if (heap->n < 2)
		return HEAP_NOWHERE;
	if (heap->n > 2 && heap->before(heap->owner, heap->items[2], heap->items[1]))
		return heap->items[2];
	return heap->items[1];
}

struct counting {
	const struct heap *heap;
	bool (*counts)(void *, uint32_t);
	void *arg;
	size_t n, max;
};

static void count_from(struct counting *c, size_t place)
{
	if (place >= c->heap->n || c->n == c->max || !c->counts(c->arg, c->heap->items[place]))
		return;
	c->n++;
	count_from(c, 2 * place + 1);
	count_from(c, 2 * place + 2);
}

size_t heap_count(const struct heap *heap, bool (*counts)(void *, uint32_t), void *arg, size_t max)
{
	struct counting c = { .heap = heap, .counts = counts, .arg = arg, .max = max };

	count_from(&c, 0);
	return c.n;
}

void heap_copy(struct heap *to, const struct heap *from, void *owner)
{
	*to = *from;
	to->owner = owner;
	to->items = xmemdup(from->items, from->n * sizeof *from->items);
	to->capacity = from->n;
}

void heap_changed(struct heap *heap, uint32_t place)
{
	uint32_t item = heap->items[place];
	size_t to = rise(heap, place, item);

	if (to == place)
		to = sink(heap, place, item);
	put(heap, to, item);
}

void heap_remove(struct heap *heap, uint32_t place)
{
	uint32_t item = heap->items[place], last = heap->items[--heap->n];

	heap->moved(heap->owner, item, HEAP_NOWHERE);
	if (place == heap->n)
		return;
	heap->items[place] = last;
	heap_changed(heap, place);
}
