#include "sched/heap.h"

#include <stdlib.h>

#include "lib/mem.h"

#define CHILDREN 4

static bool is_before(const struct heap *heap, struct heap_entry a, struct heap_entry b)
{
	return a.key != b.key ? a.key < b.key : heap->before(heap->owner, a.item, b.item);
}

static struct heap_entry entry_of(const struct heap *heap, uint32_t item)
{
	int32_t key = heap->key == NULL ? 0 : heap->key(heap->owner, item);

	return (struct heap_entry){ .key = key, .item = item };
}

static void put(struct heap *heap, size_t place, struct heap_entry entry)
{
	heap->entries[place] = entry;
	heap->moved(heap->owner, entry.item, (uint32_t)place);
}

static size_t rise(struct heap *heap, size_t place, struct heap_entry entry)
{
	while (place > 0) {
		size_t parent = (place - 1) / CHILDREN;

		if (!is_before(heap, entry, heap->entries[parent]))
			break;
		put(heap, place, heap->entries[parent]);
		place = parent;
	}
	return place;
}

static size_t first_child(const struct heap *heap, size_t place)
{
	size_t best = CHILDREN * place + 1, end = best + CHILDREN;

	for (size_t child = best + 1; child < end && child < heap->n; child++)
		if (is_before(heap, heap->entries[child], heap->entries[best]))
			best = child;
	return best;
}

static size_t sink(struct heap *heap, size_t place, struct heap_entry entry)
{
	while (CHILDREN * place + 1 < heap->n) {
		size_t child = first_child(heap, place);

		if (!is_before(heap, heap->entries[child], entry))
			break;
		put(heap, place, heap->entries[child]);
		place = child;
	}
	return place;
}

void heap_finish(struct heap *heap)
{
	free(heap->entries);
	heap->entries = NULL;
	heap->n = heap->capacity = 0;
}

void heap_push(struct heap *heap, uint32_t item)
{
	struct heap_entry entry = entry_of(heap, item);

	array_reserve(&heap->entries, &heap->capacity, heap->n + 1, sizeof *heap->entries);
	heap->n++;
	put(heap, rise(heap, heap->n - 1, entry), entry);
}

uint32_t heap_top(const struct heap *heap)
{
	return heap->n == 0 ? HEAP_NOWHERE : heap->entries[0].item;
}

struct counting {
	const struct heap *heap;
	bool (*counts)(void *, uint32_t);
	void *arg;
	size_t n, max;
};

static void count_from(struct counting *c, size_t place)
{
	if (place >= c->heap->n || c->n == c->max ||
		!c->counts(c->arg, c->heap->entries[place].item))
		return;
	c->n++;
	for (size_t i = 1; i <= CHILDREN; i++)
		count_from(c, CHILDREN * place + i);
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
	to->entries = xmemdup(from->entries, from->n * sizeof *from->entries);
	to->capacity = from->n;
}

/* Find the place of an entry that belongs at `place` or elsewhere. */
static void settle(struct heap *heap, size_t place, struct heap_entry entry)
{
	size_t to = rise(heap, place, entry);

	if (to == place)
		to = sink(heap, place, entry);
	put(heap, to, entry);
}

void heap_changed(struct heap *heap, uint32_t place)
{
	settle(heap, place, entry_of(heap, heap->entries[place].item));
}

void heap_remove(struct heap *heap, uint32_t place)
{
	struct heap_entry last = heap->entries[--heap->n];

	heap->moved(heap->owner, heap->entries[place].item, HEAP_NOWHERE);
	if (place < heap->n)
		settle(heap, place, last);
}
