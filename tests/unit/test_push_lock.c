/* Locks that processes share through a directory. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/str.h"
#include "push/lock.h"
#include "push/target.h"

#define HASH "00000000000000000000000000000000"
#define PATH "/nix/store/" HASH "-a"

static void one_at_a_time(void **state)
{
	char directory[] = "/tmp/test_lock.XXXXXX";
	struct lock mine = LOCK_NONE, other = LOCK_NONE;
	cleanup_free char *inside = NULL, *file = NULL;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(directory));
	inside = str_format("%s/locks", directory);
	file = str_format("%s/" HASH, inside);
	assert_int_equal(lock_prepare(inside, &err), 0);
	assert_int_equal(lock_prepare(inside, &err), 0); /* It may be there. */
	assert_int_equal(lock_take(inside, PATH, &mine, &err), 0);
	assert_int_equal(access(file, F_OK), 0);
	/* flock(2) is of open files, so we ourselves are as good as another process. */
	assert_int_equal(lock_take(inside, PATH, &other, &err), CAPQ_EBUSY);
	lock_release(&mine);
	assert_int_not_equal(access(file, F_OK), 0); /* Nothing is left behind. */
	lock_release(&mine);                         /* Harmless. */
	assert_int_equal(lock_take(inside, PATH, &other, &err), 0);
	lock_release(&other);
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* A process that was killed leaves its file, but no lock. */
static void a_dead_process_locks_nothing(void **state)
{
	char directory[] = "/tmp/test_lock.XXXXXX";
	struct lock lock = LOCK_NONE;
	struct err err;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(directory));
	pid = fork();
	if (pid == 0)
		_exit(lock_take(directory, PATH, &lock, &err) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_take(directory, PATH, &lock, &err), 0);
	lock_release(&lock);
	assert_int_equal(rmdir(directory), 0);
}

static void where_no_lock_can_be(void **state)
{
	struct lock lock = LOCK_NONE;
	struct err err;

	(void)state;
	assert_int_equal(lock_prepare("/nonexistent/a/b", &err), CAPQ_ENOTFOUND);
	assert_non_null(strstr(err.text, "cannot make /nonexistent/a/b"));
	assert_int_equal(lock_take("/nonexistent", PATH, &lock, &err), CAPQ_ENOTFOUND);
}

static void targets(void **state)
{
	static const struct {
		const char *given, *path; /* `path` NULL: it is none. */
	} cases[] = {
		{ PATH, PATH },
		{ PATH "/", PATH },
		{ PATH "/bin/a", PATH },
		{ "/nix/store/", NULL },
		{ "/nix/store", NULL },
		{ "/nix/store/" HASH, NULL },
		{ "/nix/store/nonsense", NULL },
		{ "/etc/passwd", NULL },
		{ "/no/such/thing", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *path = target_path(cases[i].given);

		if (cases[i].path == NULL)
			assert_null(path);
		else
			assert_string_equal(path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(a_dead_process_locks_nothing),
		cmocka_unit_test(where_no_lock_can_be),
		cmocka_unit_test(targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
