/* Allocations, growing arrays, and locals that clean themselves. */
#include "tests/support/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"

static void zero_bytes_are_no_failure(void **state)
{
	void *blocks[] = { xmalloc(0), xcalloc(0, 8), xcalloc(8, 0), xrealloc(NULL, 0) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		assert_non_null(blocks[i]);
		free(blocks[i]);
	}
}

static void copies_are_copies(void **state)
{
	const char text[] = "torch";
	char *whole = xstrdup(text), *part = xstrndup(text, 2), *longer = xstrndup(text, 99);

	(void)state;
	assert_ptr_not_equal(whole, text);
	assert_string_equal(whole, "torch");
	assert_string_equal(part, "to");
	assert_string_equal(longer, "torch");
	assert_null(xstrdup_or_null(NULL));
	free(whole);
	free(part);
	free(longer);
	whole = xstrdup_or_null(text);
	assert_string_equal(whole, "torch");
	free(whole);
}

static void arrays_grow_by_doubling(void **state)
{
	static const struct {
		size_t wanted, capacity;
	} cases[] = { { 0, 0 }, { 1, 8 }, { 8, 8 }, { 9, 16 }, { 5, 16 }, { 100, 128 } };
	int *items = NULL;
	size_t capacity = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		array_reserve(&items, &capacity, cases[i].wanted, sizeof *items);
		assert_int_equal(capacity, cases[i].capacity);
		for (size_t j = 0; j < capacity; j++)
			items[j] = (int)j; /* All of it is ours: ASan would object. */
	}
	assert_int_equal(items[7], 7);
	free(items);
}

/* True when `run` ends its process by abort(). */
static bool aborts(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL); /* cmocka catches it. */
		(void)close(STDERR_FILENO);
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void reserve_more_than_there_is(void)
{
	char *items = NULL;
	size_t capacity = 0;

	array_reserve(&items, &capacity, SIZE_MAX / 2 + 2, 1);
}

static void reserve_more_than_can_be_counted(void)
{
	char(*items)[16] = NULL;
	size_t capacity = 0;

	array_reserve(&items, &capacity, SIZE_MAX / 8, sizeof *items);
}

static void what_cannot_be_had_aborts(void **state)
{
	(void)state;
	assert_true(aborts(reserve_more_than_there_is));
	assert_true(aborts(reserve_more_than_can_be_counted));
}

static void locals_clean_themselves(void **state)
{
	int outside;

	(void)state;
	{
		cleanup_free char *text = xstrdup("freed here: valgrind and ASan look");
		cleanup_free char *none = NULL;
		cleanup_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		cleanup_close int no_fd = -1;

		assert_true(fd >= 0);
		assert_non_null(text);
		assert_null(none);
		assert_int_equal(no_fd, -1);
		outside = fd;
	}
	assert_int_equal(fcntl(outside, F_GETFD), -1);
}

static char *make_text(void)
{
	cleanup_free char *text = xstrdup("kept");

	return STEAL_POINTER(text);
}

static void stolen_pointers_stay(void **state)
{
	char *text = make_text();

	(void)state;
	assert_string_equal(text, "kept");
	free(text);
}

static void a_member_leads_to_its_struct(void **state)
{
	struct pair {
		int first, second;
	} pair = { 1, 2 };

	(void)state;
	assert_ptr_equal(CONTAINER_OF(&pair.second, struct pair, second), &pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_bytes_are_no_failure),
		cmocka_unit_test(copies_are_copies),
		cmocka_unit_test(arrays_grow_by_doubling),
		cmocka_unit_test(what_cannot_be_had_aborts),
		cmocka_unit_test(locals_clean_themselves),
		cmocka_unit_test(stolen_pointers_stay),
		cmocka_unit_test(a_member_leads_to_its_struct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
