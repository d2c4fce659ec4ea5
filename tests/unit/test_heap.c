/* The heap of the schedule: order, changes, and how many stand before one. */
#include "tests/support/cmocka_all.h"

#include "lib/mem.h"
#include "sched/heap.h"

#define N 200

/* Items are indices of `keys`; smaller keys come first. */
static int keys[N];
static uint32_t places[N];

static bool is_before(const void *owner, uint32_t a, uint32_t b)
{
	(void)owner;
	return keys[a] != keys[b] ? keys[a] < keys[b] : a < b;
}

static void note_place(void *owner, uint32_t item, uint32_t place)
{
	(void)owner;
	places[item] = place;
}

static void fill(struct heap *heap)
{
	*heap = (struct heap){ .before = is_before, .moved = note_place };
	for (uint32_t i = 0; i < N; i++) {
		keys[i] = (int)(i * 7919 % 101);
		heap_push(heap, i);
	}
}

static void front_is_the_smallest_whatever_changes(void **state)
{
	struct heap heap;

	(void)state;
	fill(&heap);
	for (uint32_t i = 0; i < N; i += 3) {
		keys[i] = 200 - keys[i];
		heap_changed(&heap, places[i]);
	}
	for (uint32_t i = 1; i < N; i += 5)
		heap_remove(&heap, places[i]);
	for (uint32_t last = HEAP_NOWHERE; heap.n > 0;) {
		uint32_t top = heap_top(&heap);

		assert_true(last == HEAP_NOWHERE || is_before(NULL, last, top));
		assert_int_not_equal(top % 5, 1);
		heap_remove(&heap, 0);
		assert_int_equal(places[top], HEAP_NOWHERE);
		last = top;
	}
	heap_finish(&heap);
}

/* Of those before an item: how many, and which is the nearest. */
struct before {
	uint32_t item, nearest;
};

static bool counts(void *arg, uint32_t item)
{
	struct before *before = arg;

	if (!is_before(NULL, item, before->item))
		return false;
	if (before->nearest == HEAP_NOWHERE || is_before(NULL, before->nearest, item))
		before->nearest = item;
	return true;
}

static void counts_what_stands_before(void **state)
{
	struct heap heap;

	(void)state;
	fill(&heap);
	for (uint32_t item = 0; item < N; item++) {
		struct before before = { .item = item, .nearest = HEAP_NOWHERE };
		uint32_t nearest = HEAP_NOWHERE;
		size_t n = 0;

		for (uint32_t other = 0; other < N; other++) {
			if (!is_before(NULL, other, item))
				continue;
			n++;
			if (nearest == HEAP_NOWHERE || is_before(NULL, nearest, other))
				nearest = other;
		}
		assert_int_equal(heap_count(&heap, counts, &before, SIZE_MAX), n);
		assert_int_equal(before.nearest, nearest);
		assert_int_equal(heap_count(&heap, counts, &before, 10), n < 10 ? n : 10);
	}
	heap_finish(&heap);
}

static int32_t rough_key(const void *owner, uint32_t item)
{
	(void)owner;
	return keys[item] / 10;
}

/* With keys that only say roughly what the order says, it is the same order. */
static void keys_change_nothing(void **state)
{
	struct heap plain, keyed = { .key = rough_key, .before = is_before, .moved = note_place };

	(void)state;
	fill(&plain);
	for (uint32_t i = 0; i < N; i++)
		heap_push(&keyed, N - 1 - i);
	for (uint32_t i = 0; i < N; i += 3) {
		keys[i] = 200 - keys[i];
		heap_changed(&keyed, places[i]);
	}
	for (uint32_t last = HEAP_NOWHERE; keyed.n > 0;) {
		uint32_t top = heap_top(&keyed);

		assert_true(last == HEAP_NOWHERE || is_before(NULL, last, top));
		heap_remove(&keyed, 0);
		last = top;
	}
	heap_finish(&plain);
	heap_finish(&keyed);
}

static void a_copy_is_another_heap(void **state)
{
	struct heap heap, copy;
	uint32_t order[N];

	(void)state;
	fill(&heap);
	heap_copy(&copy, &heap, &copy);
	assert_ptr_equal(copy.owner, &copy);
	for (size_t i = 0; i < N; i++) {
		order[i] = heap_top(&heap);
		heap_remove(&heap, 0);
	}
	assert_int_equal(copy.n, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(heap_top(&copy), order[i]);
		heap_remove(&copy, 0);
	}
	heap_finish(&heap);
	heap_finish(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(front_is_the_smallest_whatever_changes),
		cmocka_unit_test(counts_what_stands_before),
		cmocka_unit_test(keys_change_nothing),
		cmocka_unit_test(a_copy_is_another_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
