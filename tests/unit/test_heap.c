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

static void counts_what_stands_before(void **state)
{
	struct heap heap;

	(void)state;
	fill(&heap);
	for (uint32_t item = 0; item < N; item++) {
		uint32_t expected = HEAP_NOWHERE, latest = HEAP_NOWHERE;
		size_t n = 0;

		for (uint32_t other = 0; other < N; other++) {
			if (!is_before(NULL, other, item))
				continue;
			n++;
			if (expected == HEAP_NOWHERE || is_before(NULL, expected, other))
				expected = other;
		}
		assert_int_equal(heap_count_before(&heap, item, SIZE_MAX, &latest), n);
		assert_int_equal(latest, expected);
		assert_int_equal(heap_count_before(&heap, item, 10, &latest), n < 10 ? n : 10);
	}
	heap_finish(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(front_is_the_smallest_whatever_changes),
		cmocka_unit_test(counts_what_stands_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
