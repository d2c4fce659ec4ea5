/* Trees of files, and a stop while they are made. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/tree.h"
#include "tests/support/pipeline_case.h"

struct made {
	bool is_done;
	char *result, *message;
};

static void note_made(void *owner, const char *result, const char *message)
{
	struct made *made = owner;

	made->is_done = true;
	made->result = xstrdup_or_null(result);
	made->message = xstrdup_or_null(message);
}

static void run_until_made(struct pipeline_case *c, const struct made *made)
{
	while (!made->is_done)
		(void)uv_run(&c->loop, UV_RUN_ONCE);
}

static void finish_made(struct made *made)
{
	free(made->result);
	free(made->message);
}

static struct trees *make_trees(struct pipeline_case *c)
{
	cleanup_free char *directory = str_format("%s/trees", c->directory);

	free(c->p->launcher);
	c->p->launcher = str_format("%s/capq-launch", getenv("CAPQ_BIN"));
	c->p->children.launcher = c->p->launcher;
	return trees_create(&c->p->nix, directory);
}

/* The child of one step ended well a moment before the stop: the next step does not start. */
static void no_step_starts_after_the_stop(void **state)
{
	struct pipeline_case *c = *state;
	struct trees *trees = make_trees(c);
	struct made made = { 0 };

	tree_from_path(trees, c->directory, note_made, &made);
	assert_int_equal(c->p->children.n, 1); /* tar, */
	trees_stop(trees);                     /* which nobody stops. */
	run_until_made(c, &made);
	assert_null(made.result);
	assert_string_equal(made.message, "capqd is stopping");
	while (c->p->children.n > 0) /* What was begun is removed. */
		(void)uv_run(&c->loop, UV_RUN_ONCE);
	finish_made(&made);
	trees_destroy(trees);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, pipeline_case_setup, pipeline_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_step_starts_after_the_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
