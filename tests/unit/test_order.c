/* In which order nodes are handed out, as one line a case. */
#include "tests/support/cmocka_all.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "push/order.h"

struct edge {
	size_t referrer, reference;
};

static struct order *make(size_t n_nodes, const struct edge *edges, size_t n_edges)
{
	struct order *order = order_create(n_nodes);

	for (size_t i = 0; i < n_edges; i++)
		order_add(order, edges[i].referrer, edges[i].reference);
	return order;
}

/* All that order_next() and then order_next_free() name now. */
static void hand_out(struct order *order, struct str *out)
{
	size_t node;

	str_clear(out);
	while (order_next(order, &node))
		str_addf(out, "%zu ", node);
	str_add(out, "free ");
	while (order_next_free(order, &node))
		str_addf(out, "%zu ", node);
}

static void note_lost(void *owner, size_t lost)
{
	str_addf(owner, "lost %zu ", lost);
}

static void a_diamond(void **state)
{
	const struct edge edges[] = { { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 3 } };
	struct order *order = make(4, edges, ARRAY_LEN(edges));
	cleanup_str struct str got = { 0 };

	(void)state;
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "3 1 2 0 free 3 ");
	order_settle(order, 3);
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "free 1 2 ");
	order_settle(order, 2);
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "free ");
	order_settle(order, 1);
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "free 0 ");
	order_destroy(order);
}

static void a_node_does_not_wait_for_itself(void **state)
{
	const struct edge edges[] = { { 0, 0 }, { 1, 1 } };
	struct order *order = make(2, edges, ARRAY_LEN(edges));
	cleanup_str struct str got = { 0 };

	(void)state;
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "0 1 free 0 1 ");
	order_destroy(order);
}

/*   0 -> 1 -> 3      What refers to 3 is lost with it, through 1 as well; 4 is not, nor 5, and what
 *   2 -> 3, 4, 5     was lost once is not lost again with 4. */
static void a_failure_takes_along_who_refers_to_it(void **state)
{
	const struct edge edges[] = { { 0, 1 }, { 1, 3 }, { 2, 3 }, { 2, 4 }, { 2, 5 } };
	struct order *order = make(6, edges, ARRAY_LEN(edges));
	cleanup_str struct str got = { 0 };
	size_t first;

	(void)state;
	assert_true(order_next(order, &first));
	assert_int_equal(first, 3);
	order_lose(order, 3, note_lost, &got);
	assert_string_equal(str_text(&got), "lost 1 lost 2 lost 0 ");
	str_clear(&got);
	order_lose(order, 4, note_lost, &got);
	assert_string_equal(str_text(&got), "");
	order_settle(order, 5);
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "4 5 free 3 4 5 ");
	order_destroy(order);
}

static void a_circle_is_never_handed_out(void **state)
{
	const struct edge edges[] = { { 0, 1 }, { 1, 0 } };
	struct order *order = make(3, edges, ARRAY_LEN(edges));
	cleanup_str struct str got = { 0 };

	(void)state;
	hand_out(order, &got);
	assert_string_equal(str_text(&got), "2 free 2 ");
	order_destroy(order);
}

static void nothing_to_do(void **state)
{
	struct order *order = order_create(0);
	size_t node;

	(void)state;
	assert_false(order_next(order, &node));
	order_destroy(order);
	order_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_diamond),
		cmocka_unit_test(a_node_does_not_wait_for_itself),
		cmocka_unit_test(a_failure_takes_along_who_refers_to_it),
		cmocka_unit_test(a_circle_is_never_handed_out),
		cmocka_unit_test(nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
